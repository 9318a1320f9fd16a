"""RapidOCR's recogniser (PP-OCR) on one thread, for `--beside`.

Needs an environment of its own: `pip install 'rapidocr==3.10.*' onnxruntime`. Reads the picture
files in its arguments and prints a line of JSON for each.
"""

import json
import sys
import time


def main() -> None:
    """Print the text, the confidence in it and the milliseconds for each picture."""
    import cv2  # noqa: PLC0415
    from rapidocr import RapidOCR  # noqa: PLC0415

    threads = {f"EngineConfig.onnxruntime.{kind}_op_num_threads": 1 for kind in ("intra", "inter")}
    only_text = {"Global.use_det": False, "Global.use_cls": False, "Global.text_score": 0.0}
    recognise = RapidOCR(params={**threads, **only_text, "Global.log_level": "critical"})
    for path in sys.argv[1:]:
        picture = cv2.imread(path)
        start = time.perf_counter()
        found = recognise(picture)
        ms = 1_000 * (time.perf_counter() - start)
        confidence = float(min(found.scores or (), default=0.0))
        print(json.dumps({"text": "".join(found.txts or ()), "confidence": confidence, "ms": ms}))


if __name__ == "__main__":
    main()
