import torch
import torch.nn.functional as F
from torch import nn


class LayerNorm(nn.Module):
    """Cada vetor com média 0 e variância 1, depois um ganho e um viés aprendidos (Ba et al., 2016, §3)."""

    def __init__(self, d_model, eps=1e-5):
        super().__init__()
        self.gain = nn.Parameter(torch.ones(d_model))
        self.bias = nn.Parameter(torch.zeros(d_model))
        self.eps = eps

    def forward(self, x):
        return F.layer_norm(x, self.gain.shape, self.gain, self.bias, self.eps)
