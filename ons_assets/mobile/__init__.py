"""The mobile phones pilot: flows of workers, made by an operator from events, and used by an office."""
