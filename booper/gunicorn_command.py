"""Runs gunicorn's command line without looking for modules in the working directory."""

from gunicorn.app.wsgiapp import WSGIApplication


class Application(WSGIApplication):
    """Gunicorn would put the working directory before all installed packages. A module of another project there, `api`
    or `requests`, would be taken for what Booper imports."""

    def chdir(self) -> None:
        """Stay here, and leave the path of imports as it is."""


if __name__ == "__main__":
    Application("%(prog)s [OPTIONS] [APP_MODULE]", prog="gunicorn").run()
