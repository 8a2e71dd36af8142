#!/bin/sh
# Installs cqrs for one user, from a release: downloads the archive for this machine, checks its SHA-256,
# unpacks it beside other versions, and links its program, man pages and completions. No root, no
# compiler. It works in DIR/lib/cqrs/.incoming, and puts in place only what was checked and starts.
set -eu
umask 022

# Both are filled in where a release is made.
releases='@RELEASES@'
version='@VERSION@'

say() { printf '%s\n' "$*"; }
fail() {
    printf 'error: %s\n' "$1" >&2
    [ $# -lt 2 ] || printf 'hint: %s\n' "$2" >&2
    exit 1
}
usage() {
    printf 'error: %s\nhint: sh install.sh --help\n' "$1" >&2
    exit 2
}
help() {
    cat <<'HELP'
Installs cqrs for one user, from a release: no root, no compiler.

  sh install.sh [--version V] [--prefix DIR] [--from URL|DIR]
  sh install.sh --uninstall [--version V] [--prefix DIR]

  --version V    that version, rather than the one that this script came with;
                 with --uninstall only that one, rather than all
  --prefix DIR   instead of ~/.local: the program is DIR/bin/cqrs, and all that
                 belongs to it is in DIR/lib/cqrs/VERSION
  --from PLACE   a folder, or an address, that holds the archives and their
                 .sha256 files
  --uninstall    takes away what this script installed
HELP
}

# What was asked for: `action`, `chosen`, `prefix`, `from`.
read_options() {
    action=install chosen='' prefix='' from=''
    while [ $# -gt 0 ]; do
        case $1 in
            --version=* | --prefix=* | --from=*)
                option=${1%%=*} value=${1#*=}
                shift
                set -- "$option" "$value" "$@"
                ;;
        esac
        case $1 in
            --version | --prefix | --from)
                if [ $# -lt 2 ] || [ -z "$2" ]; then usage "$1 needs a value"; fi
                case $1 in
                    --version) chosen=${2#v} ;;
                    --prefix) prefix=$2 ;;
                    --from) from=${2%/} ;;
                esac
                shift 2
                ;;
            --uninstall)
                action=uninstall
                shift
                ;;
            -h | --help)
                help
                exit 0
                ;;
            *) usage "there is no option $1" ;;
        esac
    done
    case $chosen in
        *[!0-9A-Za-z.+-]* | [!0-9]*) usage "\`$chosen\` is no version" ;;
    esac
    if [ -z "$prefix" ]; then
        [ -n "${HOME-}" ] || fail "HOME is not set, so there is no ~/.local" "name a folder with --prefix DIR"
        prefix=$HOME/.local
    fi
    case $prefix in
        /*) ;;
        *) prefix=$PWD/$prefix ;;
    esac
}

# The files of an unpacked tree that are linked, by their path in it, which is their path below the prefix.
linked() {
    for file in "$1"/bin/cqrs "$1"/share/man/man1/*.1 "$1"/share/bash-completion/completions/cqrs \
        "$1"/share/zsh/site-functions/_cqrs "$1"/share/fish/vendor_completions.d/cqrs.fish; do
        [ ! -f "$file" ] || say "${file#"$1"/}"
    done
}

# The version that a link below the prefix leads to; nothing for a file that this script did not make.
leads_to() {
    place=$(readlink "$prefix/$1") || return 0
    case $place in
        "$versions"/*/"$1")
            place=${place#"$versions"/}
            say "${place%%/*}"
            ;;
    esac
}

# Links a version, each file in one step, so that there is always an old or a new one.
link() {
    linked "$versions/$1" >"$incoming/links"
    while read -r file; do
        {
            mkdir -p "$(dirname "$prefix/$file")" &&
                rm -f "$incoming/link" &&
                ln -s "$versions/$1/$file" "$incoming/link" &&
                mv -f "$incoming/link" "$prefix/$file"
        } || fail "cannot link $prefix/$file"
    done <"$incoming/links"
}

unlink_version() {
    linked "$versions/$1" | while read -r file; do
        [ "$(leads_to "$file")" != "$1" ] || rm -f "$prefix/$file"
    done
}

# The folders that installing makes, each before the one that it is in; the last is the prefix itself.
folders='lib/cqrs lib bin share/man/man1 share/man share/bash-completion/completions share/bash-completion
    share/zsh/site-functions share/zsh share/fish/vendor_completions.d share/fish share .'

# Removes those folders among the given ones that are empty.
sweep() {
    for folder in "$@"; do
        case $folder in
            .) rmdir "$prefix" 2>/dev/null || : ;;
            *) rmdir "$prefix/$folder" 2>/dev/null || : ;;
        esac
    done
}

# A process that runs a program of a tree, where the system shows processes as files.
runs_from() {
    # shellcheck disable=SC2010 # A call for each process takes seconds where there are many.
    line=$(ls -l /proc/[0-9]*/exe 2>/dev/null | grep -F " -> $1/") || return 0
    line=${line#*/proc/}
    say "${line%%/*}"
}

uninstall() {
    # As installing wrote it into the links.
    prefix=$(cd "$prefix" 2>/dev/null && pwd -P) || fail "there is no folder $prefix" "say where with --prefix DIR"
    versions=$prefix/lib/cqrs
    rm -rf "$versions"/.removed.*
    removed='' kept=''
    for tree in "$versions"/*/; do
        tree=${tree%/}
        name=${tree##*/}
        [ -f "$tree/share/cqrs/bundle.json" ] || continue
        if [ -n "$chosen" ] && [ "$chosen" != "$name" ]; then
            kept=$name
            continue
        fi
        process=$(runs_from "$tree")
        [ -z "$process" ] || fail "cqrs $name is at work, as process $process" \
            "\`cqrs destroy --local\` takes its stack away, \`cqrs local stop\` only stops it"
        unlink_version "$name"
        # Out of its place in one step: nothing that is half-removed can be started.
        mv "$tree" "$versions/.removed.$$"
        rm -rf "$versions/.removed.$$"
        say "removed cqrs $name from $tree"
        removed=yes
    done
    [ -n "$removed" ] ||
        fail "there is no cqrs${chosen:+ $chosen} in $versions" "say where it was installed with --prefix DIR"
    # Where the linked one of several versions went, another takes its place.
    if [ -n "$kept" ] && ! [ -e "$prefix/bin/cqrs" ]; then
        incoming=$versions/.removed.$$
        mkdir "$incoming"
        link "$kept"
        rm -rf "$incoming"
        say "linked cqrs $kept as $prefix/bin/cqrs"
    fi
    # shellcheck disable=SC2086 # They are words.
    sweep $folders
    # The tool makes it, and takes what it puts into it away with its last stack.
    [ -z "${HOME-}" ] || rmdir "$HOME/.cache/cqrs" "$HOME/.cache" 2>/dev/null || :
    say "Stacks on this machine stay as they are: \`cqrs destroy --local\` before this takes them away."
}

# The name of the archive's folder for this machine: `name`.
find_name() {
    kernel=$(uname -s) processor=$(uname -m)
    case $processor in
        x86_64 | amd64) processor=x86_64 loader=/lib64/ld-linux-x86-64.so.2 ;;
        aarch64 | arm64) processor=aarch64 loader=/lib/ld-linux-aarch64.so.1 ;;
        *) fail "there is no release of cqrs for the processor $processor" "README.md says how to build it" ;;
    esac
    case $kernel in
        Linux)
            system=unknown-linux-gnu
            [ -e "$loader" ] || fail "this system has no glibc at $loader, which cqrs needs" \
                "README.md says how to build it"
            ;;
        Darwin)
            system=apple-darwin
            # A shell that is translated for an Apple processor says that it runs on the other.
            [ "$(sysctl -n hw.optional.arm64 2>/dev/null)" != 1 ] || processor=aarch64
            ;;
        *) fail "there is no release of cqrs for $kernel" "README.md says how to build it" ;;
    esac
    name=cqrs-$version-$processor-$system
}

# The programs that are needed, whichever of them are there: `hash_of`, `unpack`, `fetch`.
find_programs() {
    if command -v sha256sum >/dev/null; then
        hash_of() { sha256sum <"$1" | cut -d ' ' -f 1; }
    elif command -v shasum >/dev/null; then
        hash_of() { shasum -a 256 <"$1" | cut -d ' ' -f 1; }
    else
        fail "neither sha256sum nor shasum is there, to check the download with"
    fi
    # The tar of macOS reads xz by itself; others need the program.
    if command -v xz >/dev/null || [ "$kernel" = Darwin ]; then
        archive=$name.tar.xz
        unpack() { tar -xJf "$1" -C "$2"; }
    else
        archive=$name.tar.gz
        unpack() { tar -xzf "$1" -C "$2"; }
    fi
    case $from in
        http://* | https://*)
            if command -v curl >/dev/null; then
                shown='--silent --show-error' only=''
                [ ! -t 2 ] || shown=--progress-bar
                case $from in https://*) only='--proto =https --tlsv1.2' ;; esac
                # shellcheck disable=SC2086 # They are words.
                fetch() { curl --fail $shown $only --location --retry 3 --output "$2" "$1"; }
            elif command -v wget >/dev/null; then
                fetch() { wget -q -O "$2" "$1"; }
            else
                fail "neither curl nor wget is there" \
                    "install one of them, or download $archive and $archive.sha256 otherwise and use --from DIR"
            fi
            ;;
        *://*) usage "$from is neither a folder nor an http or https address" ;;
        *)
            [ -d "$from" ] || fail "there is no folder $from"
            fetch() { cp "$1" "$2"; }
            ;;
    esac
}

# Whatever ends an installation: what is half there goes, and what was there before is there again.
# A kill that cannot be caught is cleared up by the next one.
clear_up() {
    status=$?
    trap - EXIT
    trap '' INT TERM HUP
    if [ "$status" != 0 ]; then
        if [ "$stage" = placing ]; then
            unlink_version "$version"
            rm -rf "${versions:?}/$version"
            [ ! -d "$incoming/old" ] || mv "$incoming/old" "$versions/$version"
            # One link that cannot be made is no reason to leave the rest as it is.
            if [ -n "$before" ]; then (link "$before") 2>/dev/null || :; fi
        fi
        say "Nothing was installed." >&2
    fi
    rm -rf "$incoming"
    # shellcheck disable=SC2086 # They are words.
    [ "$status" = 0 ] || sweep $made
    exit "$status"
}

# Makes the folder to work in, unless another installation does.
begin() {
    made=''
    for folder in $folders; do
        [ -d "$prefix/$folder" ] || made="$made $folder"
    done
    mkdir -p "$prefix/lib/cqrs" || fail "cannot make $prefix/lib/cqrs" "choose another folder with --prefix DIR"
    prefix=$(cd "$prefix" && pwd -P)
    versions=$prefix/lib/cqrs
    incoming=$versions/.incoming
    other=$(cat "$incoming/process" 2>/dev/null) || other=''
    if [ -n "$other" ] && kill -0 "$other" 2>/dev/null; then
        fail "another installation into $prefix is at work, as process $other" "wait until it has ended"
    fi
    stage=unpacking
    trap clear_up EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    trap 'exit 129' HUP
    rm -rf "$incoming"
    mkdir "$incoming" || fail "cannot write to $versions" "choose another folder with --prefix DIR"
    say $$ >"$incoming/process"
}

install() {
    [ -z "$chosen" ] || version=$chosen
    case $version in @*) usage "this script came with no release: say which one with --version V" ;; esac
    if [ -z "$from" ]; then
        case $releases in @*) usage "this script came with no release: say where from with --from URL|DIR" ;; esac
        from=$releases/download/v$version
    fi
    find_name
    find_programs
    begin

    say "cqrs $version for $processor-$system, from $from"
    for file in "$archive.sha256" "$archive"; do
        fetch "$from/$file" "$incoming/$file" ||
            fail "cannot get $file from $from" "is there such a version, and is there room on the disk?"
    done
    expected=$(cut -d ' ' -f 1 "$incoming/$archive.sha256")
    actual=$(hash_of "$incoming/$archive")
    [ "$expected" = "$actual" ] ||
        fail "$archive has the SHA-256 $actual, and not ${expected:-any} as its .sha256 file says" \
            "try again; if it stays so, do not use this file"
    unpack "$incoming/$archive" "$incoming" || fail "cannot unpack $archive" "is there room on the disk?"
    said=$("$incoming/$name/bin/cqrs" --version) || fail "the program in $archive does not start here"
    [ "$said" = "cqrs $version" ] || fail "the program in $archive says that it is \`$said\`"
    linked "$incoming/$name" >"$incoming/links"
    while read -r file; do
        if [ -e "$prefix/$file" ] || [ -h "$prefix/$file" ]; then
            [ -n "$(leads_to "$file")" ] || fail "$prefix/$file is there, and this script did not make it" \
                "move it away, or choose another folder with --prefix DIR"
        fi
    done <"$incoming/links"

    before=$(leads_to bin/cqrs)
    stage=placing
    [ ! -d "$versions/$version" ] || mv "$versions/$version" "$incoming/old"
    mv "$incoming/$name" "$versions/$version"
    link "$version"
    stage=placed

    say "installed in $versions/$version"
    say "linked as $prefix/bin/cqrs; man pages and completions are under $prefix/share"
    case :$PATH: in
        *:"$prefix/bin":*)
            first=$(command -v cqrs) || first=''
            [ "$first" = "$prefix/bin/cqrs" ] || say "note: \`cqrs\` on your search path is $first"
            ;;
        *)
            say "$prefix/bin is not on your search path; for this shell:"
            say "  export PATH=\"$prefix/bin:\$PATH\""
            ;;
    esac
    say "to remove: sh \"$versions/$version/share/cqrs/install.sh\" --uninstall --prefix \"$prefix\""
    say "next: cqrs demo --local"
}

# Last, so that a script that was cut short on its way does nothing.
main() {
    read_options "$@"
    "$action"
}
main "$@"
