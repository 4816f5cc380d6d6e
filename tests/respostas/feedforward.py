"""Feedforward: respostas certas e erradas."""

import math

import torch
import torch.nn.functional as F
from torch import nn

from apoio.confere.licoes.feedforward import _com_portao, _duas_camadas, _gelu, _juntar, _parametros, conta_do_feedforward
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


# -- juntar_lineares --------------------------------------------------------------------------------------

@certa("juntar_lineares")
def juntar_com_matrizes(W1, b1, W2, b2):
    return W2 @ W1, W2 @ b1 + b2


@certa("juntar_lineares")
def juntar_perguntando(W1, b1, W2, b2):
    camada = lambda x: (x @ W1.T + b1) @ W2.T + b2
    b = camada(torch.zeros(W1.size(1)))
    return (camada(torch.eye(W1.size(1))) - b).T, b


@errada("juntar_lineares", "ordem trocada")
def juntar_trocado(W1, b1, W2, b2):
    return W1 @ W2, W2 @ b1 + b2


@errada("juntar_lineares", "só somados")
def juntar_somando_vieses(W1, b1, W2, b2):
    return W2 @ W1, b1 + b2


@errada("juntar_lineares", "sumiu")
def juntar_sem_b1(W1, b1, W2, b2):
    return W2 @ W1, b2


@errada("juntar_lineares", "Faltou somar", "`b2`")
def juntar_sem_b2(W1, b1, W2, b2):
    return W2 @ W1, W2 @ b1


@errada("juntar_lineares", "casa a casa")
def juntar_com_estrela(W1, b1, W2, b2):
    return W2 * W1, W2 @ b1 + b2


@errada("juntar_lineares", "dois tensores", "um tensor só")
def juntar_so_a_matriz(W1, b1, W2, b2):
    return W2 @ W1


@errada("juntar_lineares", "deitada")
def juntar_deitado(W1, b1, W2, b2):
    return (W2 @ W1).T, W2 @ b1 + b2


@errada("juntar_lineares", "esperava", "(3, 3)")
def juntar_com_vies_a_mais(W1, b1, W2, b2):
    return W2 @ W1, (W2 @ b1 + b2)[None]


# -- duas_camadas -----------------------------------------------------------------------------------------

@certa("duas_camadas")
def duas_com_relu(x, W1, b1, W2, b2):
    h = F.relu(x @ W1.T + b1)
    return h @ W2.T + b2


@certa("duas_camadas")
def duas_neuronio_por_neuronio(x, W1, b1, W2, b2):
    saida = torch.zeros(*x.shape[:-1], W2.size(0)) + b2
    for leitura, vies, escrita in zip(W1, b1, W2.T):
        saida = saida + (x @ leitura + vies).clamp(min=0)[..., None] * escrita
    return saida


@errada("duas_camadas", "Faltou a curva")
def duas_sem_curva(x, W1, b1, W2, b2):
    return (x @ W1.T + b1) @ W2.T + b2


@errada("duas_camadas", "no fim")
def duas_com_curva_no_fim(x, W1, b1, W2, b2):
    return F.relu((x @ W1.T + b1) @ W2.T + b2)


@errada("duas_camadas", "duas vezes")
def duas_com_curva_dupla(x, W1, b1, W2, b2):
    return F.relu(F.relu(x @ W1.T + b1) @ W2.T + b2)


@errada("duas_camadas", "depois da curva")
def duas_com_vies_depois(x, W1, b1, W2, b2):
    return (F.relu(x @ W1.T) + b1) @ W2.T + b2


@errada("duas_camadas", "dois vieses")
def duas_sem_vieses(x, W1, b1, W2, b2):
    return F.relu(x @ W1.T) @ W2.T


@errada("duas_camadas", "módulo")
def duas_com_modulo(x, W1, b1, W2, b2):
    return (x @ W1.T + b1).abs() @ W2.T + b2


@errada("duas_camadas", "ao avesso")
def duas_ao_avesso(x, W1, b1, W2, b2):
    return (x @ W1.T + b1).clamp(max=0) @ W2.T + b2


@errada("duas_camadas", "verdadeiro ou falso só")
def duas_com_max(x, W1, b1, W2, b2):
    return max(x @ W1.T + b1, 0) @ W2.T + b2


# -- parametros_do_feedforward ----------------------------------------------------------------------------

@certa("parametros_do_feedforward")
def contar_com_a_formula(C, vezes, bias):
    total = 2 * C * vezes * C
    if bias:
        total += vezes * C + C
    return total


@certa("parametros_do_feedforward")
def contar_nas_camadas(C, vezes, bias):
    camadas = nn.Linear(C, vezes * C, bias=bias), nn.Linear(vezes * C, C, bias=bias)
    return sum(p.numel() for camada in camadas for p in camada.parameters())


@errada("parametros_do_feedforward", "Faltaram os vieses")
def contar_sem_vieses(C, vezes, bias):
    return 2 * C * vezes * C


@errada("parametros_do_feedforward", "mesmo com `bias=False`")
def contar_vieses_sempre(C, vezes, bias):
    return 2 * C * vezes * C + vezes * C + C


@errada("parametros_do_feedforward", "usou 4")
def contar_sempre_quatro(C, vezes, bias):
    return 8 * C * C + 5 * C * bias


@errada("parametros_do_feedforward", "de uma camada")
def contar_so_expand(C, vezes, bias):
    return C * vezes * C + (vezes * C + C) * bias


@errada("parametros_do_feedforward", "mesmo tamanho")
def contar_vieses_iguais(C, vezes, bias):
    return 2 * C * vezes * C + 2 * vezes * C * bias


@errada("parametros_do_feedforward", "sobram 1")
def contar_um_a_mais(C, vezes, bias):
    return 2 * C * vezes * C + (vezes * C + C) * bias + 1


@errada("parametros_do_feedforward", "esperava um int")
def contar_com_divisao(C, vezes, bias):
    return (4 * C * vezes * C) / 2 + (vezes * C + C) * bias


# -- feedforward_com_portao -------------------------------------------------------------------------------

@certa("feedforward_com_portao")
def portao_direto(x, W1, W2, W3):
    return (F.relu(x @ W1.T) * (x @ W2.T)) @ W3.T


@certa("feedforward_com_portao")
def portao_neuronio_por_neuronio(x, W1, W2, W3):
    saida = torch.zeros(*x.shape[:-1], W3.size(0))
    for leitura, portao, escrita in zip(W1, W2, W3.T):
        saida = saida + ((x @ leitura).clamp(min=0) * (x @ portao))[..., None] * escrita
    return saida


@errada("feedforward_com_portao", "ficou de fora")
def portao_esquecido(x, W1, W2, W3):
    return F.relu(x @ W1.T) @ W3.T


@errada("feedforward_com_portao", "somadas")
def portao_somado(x, W1, W2, W3):
    return (F.relu(x @ W1.T) + x @ W2.T) @ W3.T


@errada("feedforward_com_portao", "nas duas")
def portao_com_duas_curvas(x, W1, W2, W3):
    return (F.relu(x @ W1.T) * F.relu(x @ W2.T)) @ W3.T


@errada("feedforward_com_portao", "depois do produto")
def portao_curvado_depois(x, W1, W2, W3):
    return F.relu((x @ W1.T) * (x @ W2.T)) @ W3.T


@errada("feedforward_com_portao", "na segunda expansão")
def portao_com_a_curva_trocada(x, W1, W2, W3):
    return ((x @ W1.T) * F.relu(x @ W2.T)) @ W3.T


@errada("feedforward_com_portao", "Faltou contrair")
def portao_sem_volta(x, W1, W2, W3):
    return F.relu(x @ W1.T) * (x @ W2.T)


@errada("feedforward_com_portao", "formas não combinam")
def portao_com_arroba(x, W1, W2, W3):
    return (F.relu(x @ W1.T) @ (x @ W2.T)) @ W3.T


@errada("feedforward", "dois erros juntos", "depois de `contract`", "atalho")
class FeedForwardDoEnunciado(FeedForwardComErroDeGrafia):
    def forward(self, x):
        h = self.expand(x)
        return x + F.gelu(self.contract(h), approximate="tanh")


# -- as contas erradas dos verificadores, como se fossem respostas -------------------------------------------

imita("gelu")(lambda **a: lambda x: _gelu(x, **a))
imita("feedforward")(lambda **a: type("X", (FeedForward,), {"forward": lambda self, x: conta_do_feedforward(self, x, **a)}))
imita("juntar_lineares")(lambda **a: lambda *caso: (lambda tabela: (tabela[:, :-1], tabela[:, -1]))(_juntar(*caso, **a)))
imita("duas_camadas")(lambda **a: lambda *caso: _duas_camadas(*caso, **a))
imita("parametros_do_feedforward")(lambda **a: lambda *caso: _parametros(*caso, **a).item())
imita("feedforward_com_portao")(lambda **a: lambda *caso: _com_portao(*caso, **a))
