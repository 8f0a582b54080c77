"""The dashboard of the integration, made as "Community dashboards" makes it."""

from .home_assistant import HomeAssistant

BOARD = "v2g-car"
VIEWS = ("overview", "history", "events", "wear")


async def make_board(home: HomeAssistant) -> None:
    """Make the dashboard; its views are below ``/v2g-car``."""
    await home.socket.call(
        "lovelace/dashboards/create",
        url_path=BOARD,
        title="Car",
        icon="mdi:car-electric",
        show_in_sidebar=True,
        require_admin=False,
        mode="storage",
    )
    await home.socket.call(
        "lovelace/config/save",
        url_path=BOARD,
        config={"strategy": {"type": "custom:v2g-vpp"}},
    )
