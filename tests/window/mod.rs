//! The panels, driven by their accessible labels with canned runs.
