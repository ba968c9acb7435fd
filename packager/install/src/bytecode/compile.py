# Compiles sources to code objects, for `--bytecode`. Nothing is imported from them and nothing is
# read or written but the standard streams.
#
# In:  for each file  u32 length of its name, u64 length of its source, name, source
# Out: for each file  u32 length, then 8 bytes of source hash and the marshalled code; length 0 for
#      a source that this Python cannot compile
import importlib.util
import marshal
import struct
import sys

if sys.version_info >= (3, 7):
    source_hash = importlib.util.source_hash
else:
    def source_hash(source):
        return bytes(8)

read = sys.stdin.buffer.read
out = sys.stdout.buffer
while True:
    head = read(12)
    if not head:
        break
    name, size = struct.unpack("<IQ", head)
    name = read(name).decode("utf-8", "surrogateescape")
    source = read(size)
    try:
        code = compile(source, name, "exec", dont_inherit=True, optimize=0)
        answer = source_hash(source) + marshal.dumps(code)
    except (SyntaxError, ValueError, OverflowError, RecursionError, MemoryError):
        answer = b""
    out.write(struct.pack("<I", len(answer)))
    out.write(answer)
    out.flush()
