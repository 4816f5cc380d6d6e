"""Residual e norma: respostas certas e erradas."""

import torch
import torch.nn.functional as F
from torch import nn

from apoio.confere.licoes.residual import _layernorm, passo
from gptmini import LayerNorm
from respostas import certa, errada, imita

# -- layernorm --------------------------------------------------------------------------------------------

class Norma(nn.Module):
    """O molde, com o construtor do exercício."""

    def __init__(self, d_model, eps=1e-5):
        super().__init__()
        self.gain = nn.Parameter(torch.ones(d_model))
        self.bias = nn.Parameter(torch.zeros(d_model))
        self.eps = eps


certa("layernorm")(LayerNorm)


@certa("layernorm")
class NormaAMao(Norma):
    def forward(self, x):
        media = x.mean(-1, keepdim=True)
        variancia = ((x - media) ** 2).mean(-1, keepdim=True)
        return (x - media) / torch.sqrt(variancia + self.eps) * self.gain + self.bias


@certa("layernorm")
class NormaTokenPorToken(Norma):
    def forward(self, x):
        linhas = [(t - t.sum() / len(t)) * torch.rsqrt(t.var(correction=0) + 1e-6) for t in x.flatten(0, 1)]
        return self.bias + self.gain * torch.stack(linhas).view(x.shape)


@errada("layernorm", "C − 1")
class NormaComVar(Norma):
    def forward(self, x):
        return (x - x.mean(-1, keepdim=True)) / torch.sqrt(x.var(-1, keepdim=True) + self.eps) * self.gain + self.bias


@errada("layernorm", "fora da raiz")
class NormaEpsFora(Norma):
    def forward(self, x):
        return (x - x.mean(-1, keepdim=True)) / (x.var(-1, correction=0, keepdim=True).sqrt() + self.eps) * self.gain + self.bias


@errada("layernorm", "dois erros", "C − 1", "fora da raiz")
class NormaComStd(Norma):
    def forward(self, x):
        return (x - x.mean(-1, keepdim=True)) / (x.std(-1, keepdim=True) + self.eps) * self.gain + self.bias


@errada("layernorm", "Faltou o ε")
class NormaSemEps(Norma):
    def forward(self, x):
        return (x - x.mean(-1, keepdim=True)) / x.var(-1, correction=0, keepdim=True).sqrt() * self.gain + self.bias


@errada("layernorm", "eixo errado")
class NormaNosTokens(Norma):
    def forward(self, x):
        return (x - x.mean(1, keepdim=True)) / torch.sqrt(x.var(1, correction=0, keepdim=True) + self.eps) * self.gain + self.bias


@errada("layernorm", "eixo errado")
class NormaDeTudo(Norma):
    def forward(self, x):
        return (x - x.mean()) / torch.sqrt(x.var(correction=0) + self.eps) * self.gain + self.bias


@errada("layernorm", "Faltou o ganho")
class NormaSemGanho(Norma):
    def forward(self, x):
        return F.layer_norm(x, (x.size(-1),), None, self.bias)


@errada("layernorm", "Faltou o viés")
class NormaSemVies(Norma):
    def forward(self, x):
        return F.layer_norm(x, (x.size(-1),), self.gain)


@errada("layernorm", "dois erros", "Faltou o ganho", "Faltou o viés")
class NormaCrua(Norma):
    def forward(self, x):
        return F.layer_norm(x, (x.size(-1),))


@errada("layernorm", "subtrair a média")
class NormaRMS(Norma):
    def forward(self, x):
        return x / torch.sqrt((x**2).mean(-1, keepdim=True) + self.eps) * self.gain + self.bias


@errada("layernorm", "Faltou a raiz")
class NormaPelaVariancia(Norma):
    def forward(self, x):
        return (x - x.mean(-1, keepdim=True)) / (x.var(-1, correction=0, keepdim=True) + self.eps) * self.gain + self.bias


@errada("layernorm", "Falta na classe", "`gain`", "nn.Parameter")
class NormaSemParameter(nn.Module):
    def __init__(self, d_model):
        super().__init__()
        self.gain = torch.ones(d_model)
        self.bias = torch.zeros(d_model)

    def forward(self, x):
        return F.layer_norm(x, (x.size(-1),), self.gain, self.bias)


@errada("layernorm", "As formas não combinam")
class NormaSemKeepdim(Norma):
    def forward(self, x):
        return (x - x.mean(-1)) / torch.sqrt(x.var(-1, correction=0) + self.eps) * self.gain + self.bias


# -- residual ---------------------------------------------------------------------------------------------

@certa("residual")
def residual_numa_linha(x, sublayer, norm):
    return x + sublayer(norm(x))


@certa("residual")
def residual_por_partes(x, sublayer, norm):
    escrito = sublayer(norm(x.clone()))
    return torch.stack([x, escrito]).sum(0)


@errada("residual", "post-LN")
def residual_post(x, sublayer, norm):
    return norm(x + sublayer(x))


@errada("residual", "valor normalizado")
def residual_da_norma(x, sublayer, norm):
    x = norm(x)
    return x + sublayer(x)


@errada("residual", "Faltou o atalho")
def residual_sem_soma(x, sublayer, norm):
    return sublayer(norm(x))


@errada("residual", "Faltou a norma")
def residual_sem_norma(x, sublayer, norm):
    return x + sublayer(x)


@errada("residual", "na saída da peça")
def residual_norma_na_saida(x, sublayer, norm):
    return x + norm(sublayer(x))


@errada("residual", "mudou a entrada")
def residual_no_lugar(x, sublayer, norm):
    x += sublayer(norm(x))
    return x


# -- o que uma aluna novata escreveu, a frio --------------------------------------------------------------

@errada("layernorm", "10e-5", "dez vezes maior")
class NormaComOutroEps(LayerNorm):
    def forward(self, x):
        return (x - x.mean(-1, keepdim=True)) / torch.sqrt(x.var(-1, correction=0, keepdim=True) + 10e-5) * self.gain + self.bias


@errada("residual", "chame-a com parênteses")
def residual_sem_chamar(x, sublayer, norm):
    return x + sublayer


@errada("residual", "é `None`")
def residual_com_nada(x, sublayer, norm):
    return x + None


# -- o que só se vê com mais de um caso por parâmetro -----------------------------------------------------

@errada("layernorm", "gradiente não chega")
class NormaComGanhoSolto(Norma):
    def forward(self, x):
        return F.layer_norm(x, x.shape[-1:], self.gain.data, self.bias, self.eps)


@errada("residual", "gradiente não chega")
def residual_sem_caminho(x, sublayer, norm):
    return x.detach() + sublayer(norm(x))


# -- as contas erradas dos verificadores, como se fossem respostas -------------------------------------------

imita("layernorm")(lambda **a: type("X", (LayerNorm,), {"forward": lambda self, x: _layernorm(self, x, **a)}))
imita("residual")(lambda **a: lambda x, sublayer, norm: passo(x, sublayer, norm, **a))
