"""Runs gunicorn's command line: its modules are not looked for in the working directory, and systemd hears of it."""

from gunicorn.app import base
from gunicorn.app.wsgiapp import WSGIApplication
from gunicorn.arbiter import Arbiter

from runtime.systemd import SignOfLife


class Application(WSGIApplication):
    """Gunicorn would put the working directory before all installed packages. A module of another project there, `api`
    or `requests`, would be taken for what Booper imports."""

    def chdir(self) -> None:
        """Stay here, and leave the path of imports as it is."""


class Master(Arbiter):
    """Gunicorn says itself that it is ready. Its main loop looks for silent workers each second."""

    sign_of_life = SignOfLife()

    def murder_workers(self) -> None:
        super().murder_workers()
        self.sign_of_life()


if __name__ == "__main__":
    base.Arbiter = Master
    Application("%(prog)s [OPTIONS] [APP_MODULE]", prog="gunicorn").run()
