"""Files: kept on disk, uploaded and read by operators, fetched and delivered by stations at one-time addresses."""

__all__: list[str] = []
