"""A client of the API that never leaves by itself: `python leaving_client.py URL PHOTO RECIPE`. Says "waiting" in the queue, "running" from the first step on, "10 steps"."""

import json
import sys
import time

from gradio_client import Client, handle_file

url, photo, recipe = sys.argv[1:]
job = Client(url, verbose=False, httpx_kwargs={"timeout": 60}).submit(
    image=handle_file(photo), recipe=json.loads(recipe), api_name="/compare"
)
said: set[str] = set()
while True:
    steps = sum("step" in outputs[2].get("progress", "") for outputs in job.outputs())
    states = {"waiting": job.status().rank is not None, "running": steps >= 1, "10 steps": steps >= 10}
    for state in (state for state, reached in states.items() if reached and state not in said):
        said.add(state)
        print(state, flush=True)
    time.sleep(0.05)
