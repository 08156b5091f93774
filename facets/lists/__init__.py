"""Lists of entities: what a page of them asks for and shows, apart from any request."""
