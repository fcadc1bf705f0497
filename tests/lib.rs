//! Holds nothing: a package needs a target besides its tests. What is tested here crosses crates; see `suite/` and `terminal/`.
