"""EPUB 2 and 3: the archive, its package and navigation, the text of its pages."""
