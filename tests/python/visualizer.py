"""Stands in for the challenge's visualizer: each poll of the page takes one frame and encodes it."""

import os
import pickle
from http.server import BaseHTTPRequestHandler, HTTPServer

import cv2
import zmq

SOURCE = f'tcp://{os.environ.get("REDACTOR_HOST", "localhost")}:{os.environ.get("REDACTOR_PORT", "5556")}'

subscriber = zmq.Context().socket(zmq.SUB)
subscriber.setsockopt(zmq.CONFLATE, 1)
subscriber.subscribe(b"")
subscriber.connect(SOURCE)


class Poll(BaseHTTPRequestHandler):
    def do_GET(self):
        frame = pickle.loads(subscriber.recv()[16:])
        jpeg = cv2.imencode(".jpg", frame)[1].tobytes()
        self.send_response(200)
        self.send_header("Content-Type", "image/jpeg")
        self.send_header("Content-Length", str(len(jpeg)))
        self.end_headers()
        self.wfile.write(jpeg)

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", int(os.environ.get("VISUALIZER_PORT", "8050"))), Poll)
print("serving the picture", flush=True)
server.serve_forever()
