//! SMT-LIB.
