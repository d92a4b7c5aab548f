"""The time of day on every frame, between playback (WIRE_FORMAT=bgr24) and the redactor.

    python3 recipe_timestamp.py 5555 5557        and then        PLAYBACK_PORT=5557 npm run redactor

NumPy looks at the pixels where they lie in the message, so what OpenCV draws is drawn there: no copy, no pickle.
"""

import struct, sys, time, cv2, numpy as np, zmq

source, sink = (zmq.Context.instance().socket(kind) for kind in (zmq.SUB, zmq.PUB))
source.set(zmq.CONFLATE, 1)
source.subscribe(b"")
source.connect(f"tcp://127.0.0.1:{sys.argv[1]}")
sink.bind(f"tcp://127.0.0.1:{sys.argv[2]}")
while True:
    message = bytearray(source.recv())
    w, h = struct.unpack(">QQ", message[:16])
    frame = np.frombuffer(message, np.uint8, h * w * 3, 16).reshape(h, w, 3)
    cv2.putText(frame, time.strftime("%H:%M:%S"), (w // 4, h // 2), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (255, 255, 255))
    sink.send(message)
