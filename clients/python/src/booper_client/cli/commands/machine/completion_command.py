"""`booper completion`: the script that completes commands in a shell."""

import click
from click.shell_completion import get_completion_class


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print the script that completes commands in a shell.

    \b
    bash   eval "$(booper completion bash)"      in ~/.bashrc
    zsh    eval "$(booper completion zsh)"       in ~/.zshrc
    fish   booper completion fish > ~/.config/fish/completions/booper.fish
    """
    root = ctx.find_root()
    program = root.info_name or "booper"
    variable = f"_{program.replace('-', '_').upper()}_COMPLETE"
    completing = get_completion_class(shell)
    if completing is not None:
        click.echo(completing(root.command, {}, program, variable).source())
