"""Stands in for the challenge's redactor: four black rectangles, whose corners OpenCV takes as inclusive."""

import os
import pickle
import struct

import cv2
import zmq

SOURCE = f'tcp://{os.environ.get("PLAYBACK_HOST", "localhost")}:{os.environ.get("PLAYBACK_PORT", "5555")}'
TARGET = f'tcp://{os.environ.get("REDACTOR_HOST", "*")}:{os.environ.get("REDACTOR_PORT", "5556")}'
BORDER = int(os.environ.get("REDACT_WIDTH", "100"))
BLACK = (0, 0, 0)

context = zmq.Context()
subscriber = context.socket(zmq.SUB)
subscriber.subscribe(b"")
subscriber.connect(SOURCE)
publisher = context.socket(zmq.PUB)
publisher.bind(TARGET)
while True:
    message = subscriber.recv()
    width, height = struct.unpack(">QQ", message[:16])
    frame = pickle.loads(message[16:])
    cv2.rectangle(frame, (0, 0), (width, BORDER), BLACK, -1)
    cv2.rectangle(frame, (0, 0), (BORDER, height), BLACK, -1)
    cv2.rectangle(frame, (width - BORDER, 0), (width, height), BLACK, -1)
    cv2.rectangle(frame, (0, height - BORDER), (width, height), BLACK, -1)
    publisher.send(struct.pack(">QQ", width, height) + pickle.dumps(frame))
