"""Residual e normalização: respostas certas e erradas."""

import math

import torch
import torch.nn.functional as F
from torch import nn

import gptmini
from apoio.confere.licoes.residual import _layernorm, _na_fila, _na_pilha, _normal, _rms, passo
from respostas import certa, errada, imita

# -- layernorm --------------------------------------------------------------------------------------------

class Norma(nn.Module):
    """O molde, com o construtor do exercício."""

    def __init__(self, d_model, eps=1e-5):
        super().__init__()
        self.gain = nn.Parameter(torch.ones(d_model))
        self.bias = nn.Parameter(torch.zeros(d_model))
        self.eps = eps


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


@errada("residual", "Faltou a normalização")
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
class NormaComOutroEps(Norma):
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


# -- ganho e viés, cada engano com o seu nome -----------------------------------------------------------------

def centrar_e_dividir(x):
    return (x - x.mean(-1, keepdim=True)) / torch.sqrt(x.var(-1, correction=0, keepdim=True) + 1e-5)


@errada("layernorm", "ganho foi somado", "A normalização está certa")
class NormaComGanhoSomado(Norma):
    def forward(self, x):
        return centrar_e_dividir(x) + self.gain + self.bias


@errada("layernorm", "ganho acabou dividindo")
class NormaComGanhoNoDivisor(Norma):
    def forward(self, x):
        desvio = torch.sqrt(x.var(-1, correction=0, keepdim=True) + 1e-5)
        return (x - x.mean(-1, keepdim=True)) / (desvio * self.gain) + self.bias


@errada("layernorm", "ganho entrou cedo")
class NormaComGanhoAntes(Norma):
    def forward(self, x):
        return centrar_e_dividir(x * self.gain) + self.bias


@errada("layernorm", "viés multiplicou")
class NormaComViesMultiplicado(Norma):
    def forward(self, x):
        return centrar_e_dividir(x) * self.gain * self.bias


@errada("layernorm", "viés foi subtraído")
class NormaComViesSubtraido(Norma):
    def forward(self, x):
        return centrar_e_dividir(x) * self.gain - self.bias


@errada("layernorm", "viés entrou cedo")
class NormaComViesNaEntrada(Norma):
    def forward(self, x):
        return centrar_e_dividir(x + self.bias) * self.gain


@errada("layernorm", "viés entrou antes do ganho")
class NormaComViesAntes(Norma):
    def forward(self, x):
        return (centrar_e_dividir(x) + self.bias) * self.gain


@errada("layernorm", "Ganho e viés estão trocados")
class NormaComTrocados(Norma):
    def forward(self, x):
        return centrar_e_dividir(x) * self.bias + self.gain


@errada("layernorm", "dois erros", "foi somado", "viés multiplicou")
class NormaComPapeisTrocados(Norma):
    def forward(self, x):
        return (centrar_e_dividir(x) + self.gain) * self.bias


@errada("layernorm", "A normalização está certa", "multiplicado por")
class NormaComGanhoAoQuadrado(Norma):
    def forward(self, x):
        return centrar_e_dividir(x) * self.gain * self.gain + self.bias


@errada("layernorm", "o viés, não")
class NormaComViesDobrado(Norma):
    def forward(self, x):
        return centrar_e_dividir(x) * self.gain + 2 * self.bias


@errada("layernorm", "não centra")
class NormaPeloMeio(Norma):
    def forward(self, x):
        return (centrar_e_dividir(x) + 0.5) * self.gain + self.bias


@errada("layernorm", "não põe na escala")
class NormaPelaMetade(Norma):
    def forward(self, x):
        desvio = torch.sqrt(x.var(-1, correction=0, keepdim=True) + 1e-5)
        return (x - x.mean(-1, keepdim=True)) / (2 * desvio) * self.gain + self.bias


@errada("layernorm", "solução da lição")
class NormaQueChama(Norma):
    def forward(self, x):
        return gptmini.LayerNorm(len(self.gain))(x) * self.gain + self.bias


# -- gradiente_na_fila ------------------------------------------------------------------------------------

@certa("gradiente_na_fila")
def fila_com_insert(inclinacoes):
    chega = [1.0]
    for inclinacao in reversed(inclinacoes):
        chega.insert(0, chega[0] * inclinacao)
    return chega


@certa("gradiente_na_fila")
def fila_com_indices(inclinacoes):
    n = len(inclinacoes)
    chega = [1.0] * (n + 1)
    for i in range(n - 1, -1, -1):
        chega[i] = chega[i + 1] * inclinacoes[i]
    return chega


@errada("gradiente_na_fila", "do começo para o fim")
def fila_na_ida(inclinacoes):
    chega = [1.0]
    for inclinacao in inclinacoes:
        chega.append(chega[-1] * inclinacao)
    return chega


@errada("gradiente_na_fila", "de trás para a frente")
def fila_ao_contrario(inclinacoes):
    chega = [1.0]
    for inclinacao in reversed(inclinacoes):
        chega.append(chega[-1] * inclinacao)
    return chega


@errada("gradiente_na_fila", "Faltou o 1 do fim")
def fila_sem_o_fim(inclinacoes):
    return fila_com_insert(inclinacoes)[:-1]


@errada("gradiente_na_fila", "só com a inclinação da sua peça")
def fila_sem_acumular(inclinacoes):
    return [*inclinacoes, 1.0]


@errada("gradiente_na_fila", "foram somadas")
def fila_somada(inclinacoes):
    chega = [1.0]
    for inclinacao in reversed(inclinacoes):
        chega.insert(0, chega[0] + inclinacao)
    return chega


@errada("gradiente_na_fila", "fila com atalho")
def fila_com_atalho(inclinacoes):
    chega = [1.0]
    for inclinacao in reversed(inclinacoes):
        chega.insert(0, chega[0] * (1 + inclinacao))
    return chega


@errada("gradiente_na_fila", "Esperava uma lista de números")
def fila_num_numero(inclinacoes):
    return math.prod(inclinacoes)


# -- pilha_com_atalho -------------------------------------------------------------------------------------

@certa("pilha_com_atalho")
def pilha_no_laco(x, pecas):
    for peca in pecas:
        x = x + peca(x)
    return x


@certa("pilha_com_atalho")
def pilha_por_parcelas(x, pecas):
    parcelas = [x]
    for peca in pecas:
        parcelas.append(peca(sum(parcelas)))
    return torch.stack(parcelas).sum(0)


@errada("pilha_com_atalho", "substituíram")
def pilha_sem_soma(x, pecas):
    for peca in pecas:
        x = peca(x)
    return x


@errada("pilha_com_atalho", "Só a última")
def pilha_em_y(x, pecas):
    for peca in pecas:
        y = x + peca(x)
    return y


@errada("pilha_com_atalho", "Só a primeira", "return")
def pilha_com_return_no_laco(x, pecas):
    for peca in pecas:
        x = x + peca(x)
        return x


@errada("pilha_com_atalho", "leram o x do começo")
def pilha_que_le_o_comeco(x, pecas):
    total = x
    for peca in pecas:
        total = total + peca(x)
    return total


@errada("pilha_com_atalho", "somou o x do começo")
def pilha_que_soma_o_comeco(x, pecas):
    t = x
    for peca in pecas:
        t = x + peca(t)
    return t


@errada("pilha_com_atalho", "um atalho só")
def pilha_de_um_atalho(x, pecas):
    t = x
    for peca in pecas:
        t = peca(t)
    return x + t


@errada("pilha_com_atalho", "chamada duas vezes")
def pilha_que_troca_antes(x, pecas):
    for peca in pecas:
        x = peca(x)
        x = x + peca(x)
    return x


@errada("pilha_com_atalho", "mudou a entrada")
def pilha_no_lugar(x, pecas):
    for peca in pecas:
        x += peca(x)
    return x


# -- normalizar -------------------------------------------------------------------------------------------

@certa("normalizar")
def normalizar_a_mao(x):
    diferenca = x - x.mean(dim=-1, keepdim=True)
    variancia = (diferenca**2).mean(dim=-1, keepdim=True)
    return diferenca / (variancia + 1e-5).sqrt()


@certa("normalizar")
def normalizar_com_var(x):
    return centrar_e_dividir(x)


@errada("normalizar", "dois erros", "C − 1", "fora da raiz")
def normalizar_com_std(x):
    return (x - x.mean(dim=-1, keepdim=True)) / (x.std(dim=-1, keepdim=True) + 1e-5)


@errada("normalizar", "C − 1")
def normalizar_por_menos_1(x):
    return (x - x.mean(dim=-1, keepdim=True)) / (x.var(dim=-1, keepdim=True) + 1e-5).sqrt()


@errada("normalizar", "eixo errado")
def normalizar_no_lote(x):
    diferenca = x - x.mean(dim=0, keepdim=True)
    return diferenca / ((diferenca**2).mean(dim=0, keepdim=True) + 1e-5).sqrt()


@errada("normalizar", "fora da raiz")
def normalizar_eps_fora(x):
    diferenca = x - x.mean(dim=-1, keepdim=True)
    return diferenca / ((diferenca**2).mean(dim=-1, keepdim=True).sqrt() + 1e-5)


@errada("normalizar", "Faltou o ε")
def normalizar_sem_eps(x):
    diferenca = x - x.mean(dim=-1, keepdim=True)
    return diferenca / (diferenca**2).mean(dim=-1, keepdim=True).sqrt()


@errada("normalizar", "Faltou a raiz")
def normalizar_sem_raiz(x):
    diferenca = x - x.mean(dim=-1, keepdim=True)
    return diferenca / ((diferenca**2).mean(dim=-1, keepdim=True) + 1e-5)


@errada("normalizar", "Faltou subtrair a média")
def normalizar_sem_centrar(x):
    return x / (x.var(dim=-1, correction=0, keepdim=True) + 1e-5).sqrt()


@errada("normalizar", "não põe na escala")
def normalizar_pela_soma(x):
    diferenca = x - x.mean(dim=-1, keepdim=True)
    return diferenca / ((diferenca**2).sum(dim=-1, keepdim=True) + 1e-5).sqrt()


# -- rmsnorm ----------------------------------------------------------------------------------------------

class RMS(nn.Module):
    """O molde, com o construtor do exercício."""

    def __init__(self, d_model):
        super().__init__()
        self.gain = nn.Parameter(torch.ones(d_model))


@certa("rmsnorm")
class RMSAMao(RMS):
    def forward(self, x):
        quadrados = (x**2).mean(dim=-1, keepdim=True)
        return x / (quadrados + 1e-5).sqrt() * self.gain


@certa("rmsnorm")
class RMSComRsqrt(RMS):
    def forward(self, x):
        return self.gain * (x * torch.rsqrt((x * x).sum(-1, keepdim=True) / x.size(-1) + 1e-6))


@errada("rmsnorm", "não centra")
class RMSCentrada(RMS):
    def forward(self, x):
        return centrar_e_dividir(x) * self.gain


@errada("rmsnorm", "divisor foi o desvio")
class RMSPeloDesvio(RMS):
    def forward(self, x):
        return x / (x.var(-1, correction=0, keepdim=True) + 1e-5).sqrt() * self.gain


@errada("rmsnorm", "foram somados")
class RMSPelaSoma(RMS):
    def forward(self, x):
        return x / ((x**2).sum(-1, keepdim=True) + 1e-5).sqrt() * self.gain


@errada("rmsnorm", "média dos quadrados")
class RMSQuadradoDaMedia(RMS):
    def forward(self, x):
        return x / (x.mean(-1, keepdim=True) ** 2 + 1e-5).sqrt() * self.gain


@errada("rmsnorm", "Faltou a raiz")
class RMSSemRaiz(RMS):
    def forward(self, x):
        return x / ((x**2).mean(-1, keepdim=True) + 1e-5) * self.gain


@errada("rmsnorm", "Faltou o ganho")
class RMSSemGanho(RMS):
    def forward(self, x):
        return x / ((x**2).mean(-1, keepdim=True) + 1e-5).sqrt()


@errada("rmsnorm", "eixo errado")
class RMSDeTudo(RMS):
    def forward(self, x):
        return x / ((x**2).mean() + 1e-5).sqrt() * self.gain


# -- as contas erradas dos verificadores, como se fossem respostas -------------------------------------------

imita("layernorm")(lambda **a: type("X", (Norma,), {"forward": lambda self, x: _layernorm(self, x, **a)}))
imita("residual")(lambda **a: lambda x, sublayer, norm: passo(x, sublayer, norm, **a))
imita("gradiente_na_fila")(lambda **a: lambda inclinacoes: _na_fila(inclinacoes, **a).tolist())
imita("pilha_com_atalho")(lambda **a: lambda x, pecas: _na_pilha(x, pecas, **a))
imita("normalizar")(lambda **a: lambda x: _normal(x, **a))
imita("rmsnorm")(lambda **a: type("X", (RMS,), {"forward": lambda self, x: _rms(self, x, **a)}))
