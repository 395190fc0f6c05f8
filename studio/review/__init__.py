"""The review page: stage 4 of curation in a browser, served to this machine alone by the standard library."""
