"""Task "aligner": which symbol is spoken when."""
