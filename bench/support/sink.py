"""A mail server that accepts everything and stores nothing: python -m bench.support.sink PORT."""

from __future__ import annotations

import asyncio
import sys


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"220 sink\r\n")
    in_content = False
    while line := await reader.readline():
        word = line[:4].upper().strip()
        if in_content:
            if line == b".\r\n":
                in_content = False
                writer.write(b"250 taken\r\n")
            continue
        if word == b"DATA":
            in_content = True
            writer.write(b"354 go on\r\n")
        elif word == b"EHLO":
            writer.write(b"250-sink\r\n250-SMTPUTF8\r\n250 8BITMIME\r\n")
        elif word == b"QUIT":
            writer.write(b"221 bye\r\n")
            break
        else:
            writer.write(b"250 ok\r\n")
        await writer.drain()
    writer.close()


async def _main(port: int) -> None:
    server = await asyncio.start_server(_serve, "127.0.0.1", port, limit=2**20)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1])))
