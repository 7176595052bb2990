"""The studio: a page of the server on which people speak texts and edit recordings."""
