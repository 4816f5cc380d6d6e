"""Feedforward: respostas certas e erradas."""

import math

import torch
import torch.nn.functional as F
from torch import nn

from apoio.confere.licoes.feedforward import _gelu, conta_do_feedforward
from gptmini import FeedForward
from respostas import certa, errada, imita

# -- feedforward ------------------------------------------------------------------------------------------

certa("feedforward")(FeedForward)


@certa("feedforward")
class FeedForwardExato(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.expand = nn.Linear(config.d_model, 4 * config.d_model)
        self.contract = nn.Linear(4 * config.d_model, config.d_model)

    def forward(self, x):
        h = x @ self.expand.weight.T + self.expand.bias
        h = h * (1 + torch.erf(h / 2**0.5)) / 2
        return h @ self.contract.weight.T + self.contract.bias


@errada("feedforward", "Faltou a curva")
class FeedForwardSemCurva(FeedForward):
    def forward(self, x):
        return self.contract(self.expand(x))


@errada("feedforward", "ReLU", "GELU")
class FeedForwardReLU(FeedForward):
    def forward(self, x):
        return self.contract(F.relu(self.expand(x)))


@errada("feedforward", "depois de `contract`")
class FeedForwardCurvaNoFim(FeedForward):
    def forward(self, x):
        return self.gelu(self.contract(self.expand(x)))


@errada("feedforward", "duas vezes")
class FeedForwardCurvaDupla(FeedForward):
    def forward(self, x):
        return F.gelu(self.contract(F.gelu(self.expand(x))))


@errada("feedforward", "atalho é trabalho do bloco")
class FeedForwardComAtalho(FeedForward):
    def forward(self, x):
        return x + super().forward(x)


@errada("feedforward", "Faltou `contract`", "4C")
class FeedForwardSemContract(FeedForward):
    def forward(self, x):
        return self.gelu(self.expand(x))


@errada("feedforward", "`expand.weight` tem forma (24, 12)", "esperava (48, 12)")
class FeedForwardDobra(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.expand = nn.Linear(config.d_model, 2 * config.d_model)
        self.contract = nn.Linear(2 * config.d_model, config.d_model)

    def forward(self, x):
        return self.contract(F.gelu(self.expand(x)))


# -- gelu -------------------------------------------------------------------------------------------------

@certa("gelu")
def gelu_tanh(x):
    return 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


@certa("gelu")
def gelu_exata(x):
    return x * 0.5 * (1 + torch.erf(x / math.sqrt(2)))


@certa("gelu")
def gelu_numero_a_numero(x):
    phi = torch.distributions.Normal(0.0, 1.0).cdf
    return torch.stack([n * phi(n) for n in x.double().flatten()]).view(x.shape)


@errada("gelu", "ReLU")
def gelu_relu(x):
    return torch.clamp(x, min=0)


@errada("gelu", "SiLU")
def gelu_silu(x):
    return x / (1 + torch.exp(-x))


@errada("gelu", "1,702")
def gelu_sigmoide(x):
    return x * torch.sigmoid(1.702 * x)


@errada("gelu", "½")
def gelu_sem_meio(x):
    return x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


@errada("gelu", "multiplicar por x")
def gelu_so_phi(x):
    return 0.5 * (1 + torch.erf(x / math.sqrt(2)))


@errada("gelu", "0,044715")
def gelu_sem_cubo(x):
    return 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * x))


@errada("gelu", "raiz", "√(2/π)")
def gelu_sem_raiz(x):
    return 0.5 * x * (1 + torch.tanh(2 / math.pi * (x + 0.044715 * x**3)))


@errada("gelu", "ao cubo")
def gelu_quadrado(x):
    return 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**2)))


@errada("gelu", "Faltou o 1")
def gelu_sem_um(x):
    return 0.5 * x * torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))


@errada("gelu", "só aceita um número", "`return 0.5 * x * (1 + math.tanh(x))`")
def gelu_math(x):
    return 0.5 * x * (1 + math.tanh(x))


# -- o que uma aluna novata escreveu, a frio --------------------------------------------------------------

@errada("gelu", "potência é `**`")
def gelu_com_chapeu(x):
    return 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x ^ 3)))


@errada("gelu", "1 + erf")
def gelu_sem_um_na_erf(x):
    return 0.5 * x * torch.erf(x / 2**0.5)


@errada("gelu", "só serve a tensor de um número")
def gelu_com_item(x):
    return torch.tensor([math.erf(parte.item()) for parte in x[None]])


@errada("gelu", "decimal", "ponto")
def gelu_com_virgula(x):
    return 0, 5 * x


@errada("gelu", "querem um verdadeiro ou falso só")
def gelu_com_max(x):
    return max(x, 0)


@errada("feedforward", "não tem `forward`", "grafia")
class FeedForwardComErroDeGrafia(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.expand = nn.Linear(config.d_model, 4 * config.d_model, bias=config.bias)
        self.contract = nn.Linear(4 * config.d_model, config.d_model, bias=config.bias)

    def foward(self, x):
        return self.contract(F.gelu(self.expand(x)))


@errada("feedforward", "não tem `gelu`", "construtor deste exercício")
class FeedForwardDaLicao(FeedForwardComErroDeGrafia):
    def forward(self, x):
        return self.contract(self.gelu(self.expand(x)))


@errada("feedforward", "primeiro se cria, depois se chama")
class FeedForwardComCamadaPelaFuncao(FeedForwardComErroDeGrafia):
    def forward(self, x):
        return self.contract(nn.GELU(self.expand(x)))


@errada("gelu", "é `None`")
def gelu_de_nada(x):
    return torch.tanh(None)


# -- o que só se vê com mais de um caso por parâmetro -----------------------------------------------------

@certa("gelu")
def gelu_em_memoria_emprestada(x, memoria=torch.zeros(41)):      # noqa: B008
    memoria.resize_(x.shape).copy_(F.gelu(x))
    return memoria


@errada("feedforward", "gradiente não chega")
class FeedForwardComPesosSoltos(FeedForward):
    def forward(self, x):
        return F.linear(self.gelu(self.expand(x)), self.contract.weight.detach(), self.contract.bias)


@errada("gelu", "a sua função dá", "a GELU dá")
def gelu_cortada(x):
    return F.gelu(x.clamp(-10, 10))


@errada("gelu", "a sua função dá nan")
def gelu_com_tanh_a_mao(x):
    u = math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)
    return 0.5 * x * (1 + (u.exp() - (-u).exp()) / (u.exp() + (-u).exp()))


# -- as contas erradas dos verificadores, como se fossem respostas -------------------------------------------

imita("gelu")(lambda **a: lambda x: _gelu(x, **a))
imita("feedforward")(lambda **a: type("X", (FeedForward,), {"forward": lambda self, x: conta_do_feedforward(self, x, **a)}))
