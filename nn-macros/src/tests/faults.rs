//! What is said of each wrong call: all of it, and nothing else.
