"""The mobile phones pilot: flows of workers and who is present, made by an operator from events; used by an office."""
