"""Other speech systems that a benchmark measures beside this package. They are optional installs."""
