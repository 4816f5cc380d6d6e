import torch.nn.functional as F
from torch import nn


class GELU(nn.Module):
    """GELU na forma com tanh, a do GPT-2 (Hendrycks & Gimpel, 2016, §2)."""

    def forward(self, x):
        return F.gelu(x, approximate="tanh")


class FeedForward(nn.Module):
    """Expande ×4, passa pela GELU e contrai, em cada token sozinho: (B, T, C) -> (B, T, C)."""

    def __init__(self, config):
        super().__init__()
        self.expand = nn.Linear(config.d_model, 4 * config.d_model, bias=config.bias)
        self.gelu = GELU()
        self.contract = nn.Linear(4 * config.d_model, config.d_model, bias=config.bias)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x):
        x = self.gelu(self.expand(x))               # (B, T, 4C)
        return self.dropout(self.contract(x))       # (B, T, C)
