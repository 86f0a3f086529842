"""``python -m voltbridge`` does what ``voltbridge`` does."""

from voltbridge.cli import main

__all__: list[str] = []

if __name__ == "__main__":
    main()
