"""The builtin worker: runs an entry script's init() once and its run() for each call of the front door.

Only the standard library is used, and only syntax that Python 3.5 has.
"""
