"""What the room asks of a language model, as exchanges: a first call, how to read it, at most one more."""

from prompts.tasks.drafts import enhance, quantify, regenerate
from prompts.tasks.exchange import Exchange, Failed
from prompts.tasks.frames import templates
from prompts.tasks.scripts import write_script

__all__ = ["Exchange", "Failed", "enhance", "quantify", "regenerate", "templates", "write_script"]
