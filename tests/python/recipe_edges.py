"""Edge detection between playback (WIRE_FORMAT=numpy) and the redactor.

    python3 recipe_edges.py 5555 5557        and then        PLAYBACK_PORT=5557 npm run redactor

The first 16 bytes of a message are its width and height, the last 32 the trailer: both are passed on as they came.
"""

import pickle, sys, cv2, zmq

source, sink = (zmq.Context.instance().socket(kind) for kind in (zmq.SUB, zmq.PUB))
source.set(zmq.CONFLATE, 1)
source.subscribe(b"")
source.connect(f"tcp://127.0.0.1:{sys.argv[1]}")
sink.bind(f"tcp://127.0.0.1:{sys.argv[2]}")
while True:
    message = source.recv()
    edges = cv2.Canny(pickle.loads(message[16:]), 100, 200)
    sink.send(message[:16] + pickle.dumps(cv2.cvtColor(edges, cv2.COLOR_GRAY2BGR)) + message[-32:])
