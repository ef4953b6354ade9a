# SPDX-License-Identifier: GPL-2.0-only
"""A picture that was put into a bucket gets a thumbnail beside it: an S3 event's function."""
import os
import tempfile
from urllib.parse import unquote_plus

import boto3
from PIL import Image

SIZE = (64, 64)

s3 = boto3.client("s3")


def shrink(source, target):
    with Image.open(source) as image:
        image.thumbnail(SIZE)
        image.save(target, "PNG")
        return image.size


def handler(event, context):
    made = []
    for record in event["Records"]:
        bucket = record["s3"]["bucket"]["name"]
        key = unquote_plus(record["s3"]["object"]["key"])
        with tempfile.TemporaryDirectory() as directory:
            source = os.path.join(directory, os.path.basename(key))
            target = os.path.join(directory, "thumbnail.png")
            s3.download_file(bucket, key, source)
            size = shrink(source, target)
            thumbnail = f"{os.path.splitext(key)[0]}-thumbnail.png"
            s3.upload_file(target, bucket, thumbnail, ExtraArgs={"ContentType": "image/png"})
        print(f"{key}: a thumbnail of {size[0]}x{size[1]} is {thumbnail}")
        made.append({"key": thumbnail, "width": size[0], "height": size[1]})
    return made
