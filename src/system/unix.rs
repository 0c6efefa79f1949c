//! What only Unix does: unsafe calls, each with its SAFETY line.
