"""Books: read from EPUB, Markdown and text files, spoken chapter by chapter, written as audiobooks."""
