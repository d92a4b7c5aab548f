"""Stands in for the challenge's playback: each frame is one message, its size and its pickle, ten a second."""

import os
import pickle
import struct
import time

import cv2
import zmq

HOST = os.environ.get("PLAYBACK_HOST", "*")
PORT = os.environ.get("PLAYBACK_PORT", "5555")

socket = zmq.Context().socket(zmq.PUB)
socket.bind(f"tcp://{HOST}:{PORT}")
while True:
    clip = cv2.VideoCapture(os.environ["DATA_FILE"])
    more, frame = clip.read()
    while more:
        height, width = frame.shape[:2]
        socket.send(struct.pack(">QQ", width, height) + pickle.dumps(frame))
        time.sleep(0.1)
        more, frame = clip.read()
