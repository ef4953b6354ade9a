# SPDX-License-Identifier: GPL-2.0-only
"""What the function may do with an object."""


def gzip(data):
    import zlib
    return zlib.compress(data, 6)


def csv(data):
    """Rows of a table to JSON objects, a line each."""
    import csv
    import io
    import json
    return "\n".join(json.dumps(row) for row in csv.DictReader(io.StringIO(data.decode()))).encode()


def thumbnail(data):
    import io

    from PIL import Image
    image = Image.open(io.BytesIO(data))
    image.thumbnail((128, 128))
    out = io.BytesIO()
    image.save(out, "JPEG")
    return out.getvalue()
