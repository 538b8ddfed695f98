"""What the server runs for every visit: the frame, then the page that was asked for.

It stands here and not beside pages/: a script with a folder ``pages`` next to it is taken for an older kind of app until
its first run has ended, and then the first visitor's first click is lost, for every widget changes its identity.
"""

from __future__ import annotations

from pages.ui.shell.frame import frame_and_page

frame_and_page().run()
