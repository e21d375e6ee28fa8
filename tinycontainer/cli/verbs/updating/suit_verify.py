import click
from ...verb import Verb
@click.command(cls=Verb)
def verify(): pass
