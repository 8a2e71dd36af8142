//! The background process: the host's services, put together for one stack.
