"""The commands that speak nothing but the public contract; `register` mounts them on an app."""

import typer

from clients.commands import accounts, assets, generate, jobs, models, prompts, resolve, videos, watch


def register(app: typer.Typer) -> None:
    """Add `generate`, `watch`, `prompt …`, `lineage`, `models`, `jobs …`, `videos …` and the others."""
    app.command("generate")(generate.generate)
    app.command("watch")(watch.watch)
    app.command("lineage")(prompts.lineage)
    app.add_typer(prompts.app, name="prompt")
    app.add_typer(models.app, name="models")
    app.add_typer(jobs.app, name="jobs")
    app.add_typer(videos.app, name="videos")
    app.add_typer(assets.app, name="asset")
    app.add_typer(accounts.app, name="account")
    app.command("resolve")(resolve.resolve)
