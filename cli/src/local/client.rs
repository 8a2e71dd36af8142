//! Finds the stack's background process, starts it where it should run, and asks it.
