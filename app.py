"""The desk in the browser: ``streamlit run app.py``.

The server imports this file for its ASGI app, which has a readiness route and runs the router for every visit. Run as a
script it is that router itself.
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from pages.ui.shell import frame, server

ROUTER = Path(frame.__file__).with_name("router.py")

if __name__ == "__main__":
    frame.frame_and_page().run()
else:
    app = st.App(ROUTER, lifespan=server.lifespan, routes=server.routes)
