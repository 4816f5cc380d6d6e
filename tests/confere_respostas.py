"""Respostas de exercícios como um aluno as escreveria: as certas têm de passar, e cada errada tem de ouvir o nome do erro.

`@certa("exercício")`; `@errada("exercício", "palavras", "que a dica", "tem de dizer")`. O que se decora é a resposta.

"""

import math
import re
import unicodedata

import torch
import torch.nn.functional as F
from torch import nn

from gptmini import (
    CausalSelfAttention, CharTokenizer, FeedForward, GPTMini, LayerNorm, TransformerBlock, WordTokenizer, generate, sample,
)

CERTAS, ERRADAS = [], []


def certa(exercicio):
    return lambda resposta: CERTAS.append((exercicio, resposta)) or resposta


def errada(exercicio, *palavras):
    return lambda resposta: ERRADAS.append((exercicio, resposta, palavras)) or resposta


# -- tokenizador ------------------------------------------------------------------------------------------

CORTE = r"\w+(?:-\w+)*|\n|[^\w\s]"


def juntar(tokens):
    return re.sub(r" (?=[,.!?:;])| ?\n ?", lambda m: m[0].strip(" "), " ".join(tokens))


certa("tokenizador")(WordTokenizer)
certa("tokenizador")(CharTokenizer)


@certa("tokenizador")
class TokenizadorPorDicionario:
    """Guarda os espaços como tokens, e os ids na ordem em que as palavras aparecem."""

    def __init__(self, texts):
        self.id = {}
        for texto in texts:
            for pedaco in re.findall(r"\w+|\W", texto):
                self.id.setdefault(pedaco, len(self.id))
        self.palavra = list(self.id)

    def encode(self, texto):
        return [self.id[pedaco] for pedaco in re.findall(r"\w+|\W", texto)]

    def decode(self, ids):
        return "".join(self.palavra[i] for i in ids)


class Tokenizador:
    """O molde das erradas: cada uma troca um pedaço."""

    def __init__(self, texts):
        self.vocab = sorted({token for texto in texts for token in self.cortar(texto)})
        self.id = {token: i for i, token in enumerate(self.vocab)}

    def cortar(self, texto):
        return re.findall(CORTE, texto)

    def encode(self, texto):
        return [self.id[token] for token in self.cortar(texto)]

    def decode(self, ids):
        return juntar([self.vocab[i] for i in ids])


@errada("tokenizador", "espaço antes da pontuação")
class JuntaComEspaco(Tokenizador):
    def decode(self, ids):
        return re.sub(r" ?\n ?", "\n", " ".join(self.vocab[i] for i in ids))


@errada("tokenizador", "pontuação", "colada à palavra")
class CortaNosEspacos(Tokenizador):
    def cortar(self, texto):
        return texto.split(" ")

    def decode(self, ids):
        return " ".join(self.vocab[i] for i in ids)


@errada("tokenizador", "maiúsculas se perderam")
class TudoMinusculo(Tokenizador):
    def cortar(self, texto):
        return re.findall(CORTE, texto.lower())


@errada("tokenizador", "quebra de linha")
class PerdeALinha(Tokenizador):
    def cortar(self, texto):
        return re.findall(r"\w+(?:-\w+)*|[^\w\s]", texto)


@errada("tokenizador", "palavra desconhecida passou em silêncio")
class DesconhecidaVira0(Tokenizador):
    def encode(self, texto):
        return [self.id.get(token, 0) for token in self.cortar(texto)]


@errada("tokenizador", "palavra desconhecida passou em silêncio")
class DesconhecidaSome(Tokenizador):
    def encode(self, texto):
        return [self.id[token] for token in self.cortar(texto) if token in self.id]


@errada("tokenizador", "lista de str", "lista de inteiros")
class DevolvePalavras(Tokenizador):
    def encode(self, texto):
        return self.cortar(texto)


@errada("tokenizador", "tensor", "lista de inteiros")
class DevolveTensor(Tokenizador):
    def encode(self, texto):
        return torch.tensor(super().encode(texto))


@errada("tokenizador", "`decode` devolveu uma lista", "texto (str)")
class DecodeDevolveLista(Tokenizador):
    def decode(self, ids):
        return [self.vocab[i] for i in ids]


@errada("tokenizador", "pontuação se perdeu")
class SemPontuacao(Tokenizador):
    def cortar(self, texto):
        return re.findall(r"\w+(?:-\w+)*|\n", texto)


@errada("tokenizador", "espaços não voltaram")
class PartePeloHifen(Tokenizador):
    def cortar(self, texto):
        return re.findall(r"\w+|\n|[^\w\s]", texto)


@errada("tokenizador", "segundo tokenizador estragou o primeiro")
class VocabularioDaClasse(Tokenizador):
    def __init__(self, texts):
        super().__init__(texts)
        type(self).vocab, type(self).id = self.__dict__.pop("vocab"), self.__dict__.pop("id")


@errada("tokenizador", "faltam pedaços")
class SemRepeticao(Tokenizador):
    def encode(self, texto):
        return [self.id[token] for token in dict.fromkeys(self.cortar(texto))]


# -- máscara ----------------------------------------------------------------------------------------------

@certa("mascara_causal")
def mascara_tril(T):
    return torch.ones(T, T, dtype=torch.bool).tril()


@certa("mascara_causal")
def mascara_comparando(T):
    i = torch.arange(T)
    return i[:, None] >= i[None, :]


@certa("mascara_causal")
def mascara_com_lacos(T):
    return torch.tensor([[j <= i for j in range(T)] for i in range(T)])


@errada("mascara_causal", "transposta")
def mascara_triu(T):
    return torch.triu(torch.ones(T, T)).bool()


@errada("mascara_causal", "diagonal", "token 0")
def mascara_estrita(T):
    i = torch.arange(T)
    return i[:, None] > i


@errada("mascara_causal", "avesso", "permitido")
def mascara_do_proibido(T):
    return torch.triu(torch.ones(T, T), diagonal=1).bool()


@errada("mascara_causal", "torch.float32", "torch.bool")
def mascara_de_uns(T):
    return torch.tril(torch.ones(T, T))


@errada("mascara_causal", "máscara de somar")
def mascara_aditiva(T):
    return torch.full((T, T), -math.inf).triu(1)


@errada("mascara_causal", "A forma veio (1, 5, 5)", "esperava (5, 5)", "T: tokens")
def mascara_com_lote(T):
    return torch.ones(1, T, T, dtype=torch.bool).tril()


# -- pesos de atenção -------------------------------------------------------------------------------------

@certa("pesos_de_atencao")
def pesos_com_matrizes(q, k):
    T, hs = q.shape[-2:]
    pontos = q @ k.transpose(-2, -1) / math.sqrt(hs)
    return pontos.masked_fill(~torch.ones(T, T, dtype=torch.bool).tril(), -math.inf).softmax(-1)


@certa("pesos_de_atencao")
def pesos_com_lacos(q, k):
    B, T, hs = q.shape
    pesos = torch.zeros(B, T, T, dtype=torch.float64)
    for b in range(B):
        for i in range(T):
            pontos = torch.stack([q[b, i].double() @ k[b, j].double() / hs**0.5 for j in range(i + 1)])
            pesos[b, i, : i + 1] = torch.softmax(pontos, 0)
    return pesos


@certa("pesos_de_atencao")
def pesos_somando_mascara(q, k):
    T = q.size(1)
    pontos = torch.einsum("bih,bjh->bij", q, k) * q.size(-1) ** -0.5
    pontos = pontos + torch.full((T, T), -1e9).triu(1)
    e = (pontos - pontos.amax(-1, keepdim=True)).exp()
    return e / e.sum(-1, keepdim=True)


def _tril(T):
    return torch.tril(torch.ones(T, T)) == 1


@errada("pesos_de_atencao", "Faltou a escala", "√hs")
def pesos_sem_escala(q, k):
    T = q.shape[1]
    return F.softmax((q @ k.transpose(1, 2)).masked_fill(_tril(T) == 0, float("-inf")), dim=-1)


@errada("pesos_de_atencao", "dividiu por hs", "raiz")
def pesos_dividido_por_hs(q, k):
    T, hs = q.shape[1:]
    return F.softmax((q @ k.mT / hs).masked_fill(~_tril(T), float("-inf")), dim=-1)


@errada("pesos_de_atencao", "√T", "√hs")
def pesos_raiz_de_T(q, k):
    B, T, hs = k.shape
    return F.softmax((q @ k.mT / T**0.5).masked_fill(~_tril(T), float("-inf")), dim=-1)


@errada("pesos_de_atencao", "máscara veio depois do softmax", "não somam 1")
def pesos_mascara_depois(q, k):
    T, hs = q.shape[1:]
    return F.softmax(q @ k.mT / hs**0.5, dim=-1) * _tril(T)


@errada("pesos_de_atencao", "veio depois do softmax", "dividir de novo não conserta")
def pesos_renormalizados(q, k):
    T, hs = q.shape[1:]
    w = F.softmax(q @ k.mT / hs**0.5, dim=-1) * _tril(T)
    return w / w.sum(-1, keepdim=True)


@errada("pesos_de_atencao", "transposta")
def pesos_triu(q, k):
    T, hs = q.shape[1:]
    return F.softmax((q @ k.mT / hs**0.5).masked_fill(~_tril(T).T, float("-inf")), dim=-1)


@errada("pesos_de_atencao", "diagonal", "nan")
def pesos_sem_diagonal(q, k):
    T, hs = q.shape[1:]
    return F.softmax((q @ k.mT / hs**0.5).masked_fill(torch.ones(T, T).tril(-1) == 0, float("-inf")), dim=-1)


@errada("pesos_de_atencao", "eixo errado", "coluna")
def pesos_softmax_nas_colunas(q, k):
    T, hs = q.shape[1:]
    return F.softmax((q @ k.mT / hs**0.5).masked_fill(~_tril(T), float("-inf")), dim=1)


@errada("pesos_de_atencao", "eixo errado", "lote")
def pesos_softmax_no_lote(q, k):
    T, hs = q.shape[1:]
    return (q @ k.mT / hs**0.5).masked_fill(~_tril(T), float("-inf")).softmax(0)


@errada("pesos_de_atencao", "Faltou a máscara")
def pesos_sem_mascara(q, k):
    return F.softmax(q @ k.mT / q.size(-1) ** 0.5, dim=-1)


@errada("pesos_de_atencao", "recebeu 0")
def pesos_mascara_com_zero(q, k):
    T, hs = q.shape[1:]
    return F.softmax(q @ k.mT / hs**0.5 * _tril(T), dim=-1)


@errada("pesos_de_atencao", "Faltou o softmax")
def pesos_sem_softmax(q, k):
    T, hs = q.shape[1:]
    return (q @ k.mT / hs**0.5).masked_fill(~_tril(T), float("-inf"))


@errada("pesos_de_atencao", "`q` e `k` estão trocados")
def pesos_trocados(q, k):
    T, hs = q.shape[1:]
    return F.softmax((k @ q.mT / hs**0.5).masked_fill(~_tril(T), float("-inf")), dim=-1)


@errada("pesos_de_atencao", "multiplicou por √hs")
def pesos_multiplicados(q, k):
    T, hs = q.shape[1:]
    return F.softmax((q @ k.mT * hs**0.5).masked_fill(~_tril(T), float("-inf")), dim=-1)


@errada("pesos_de_atencao", "avesso")
def pesos_mascara_avessa(q, k):
    T, hs = q.shape[1:]
    return F.softmax((q @ k.mT / hs**0.5).masked_fill(_tril(T), float("-inf")), dim=-1)


@errada("pesos_de_atencao", "dois erros", "Faltou a escala", "Faltou a máscara")
def pesos_sem_nada(q, k):
    return F.softmax(q @ k.mT, dim=-1)


@errada("pesos_de_atencao", "As formas não combinam", "q @ k")
def pesos_k_em_pe(q, k):
    return (q @ k).softmax(-1)


# -- dividir cabeças --------------------------------------------------------------------------------------

@certa("dividir_cabecas")
def dividir_view(x, n_heads):
    B, T, C = x.shape
    return x.view(B, T, n_heads, C // n_heads).transpose(1, 2)


@certa("dividir_cabecas")
def dividir_empilhando(x, n_heads):
    return torch.stack(x.chunk(n_heads, dim=-1), dim=1)


@certa("dividir_cabecas")
def dividir_unflatten(x, nh):
    return x.double().unflatten(-1, (nh, -1)).permute(0, 2, 1, 3).contiguous()


@errada("dividir_cabecas", "`view` sem `transpose`")
def dividir_so_view(x, n_heads):
    B, T, C = x.shape
    return x.view(B, n_heads, T, C // n_heads)


@errada("dividir_cabecas", "Faltou o `transpose`", "(B, T, nh, hs)", "(B, nh, T, hs)")
def dividir_sem_transpose(x, n_heads):
    B, T, C = x.shape
    return x.view(B, T, n_heads, C // n_heads)


@errada("dividir_cabecas", "intercaladas")
def dividir_intercalado(x, n_heads):
    B, T, C = x.shape
    return x.view(B, T, C // n_heads, n_heads).permute(0, 3, 1, 2)


@errada("dividir_cabecas", "lote", "(nh, B, T, hs)")
def dividir_cabeca_na_frente(x, n_heads):
    return torch.stack(x.chunk(n_heads, dim=-1))


@errada("dividir_cabecas", "uma tupla de 3", "esperava um tensor")
def dividir_em_tupla(x, n_heads):
    return x.chunk(n_heads, dim=-1)


@errada("dividir_cabecas", "usado como tamanho da cabeça")
def dividir_com_nh_no_lugar_de_hs(x, n_heads):
    B, T, C = x.shape
    return x.view(B, T, C // n_heads, n_heads).transpose(1, 2)


# -- camadas: o molde é a classe do curso, e cada resposta troca o forward --------------------------------

@certa("atencao")
class AtencaoComLaco(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.nh = config.n_heads
        self.qkv = nn.Linear(config.d_model, 3 * config.d_model)
        self.proj = nn.Linear(config.d_model, config.d_model)

    def forward(self, x):
        q, k, v = self.qkv(x).chunk(3, dim=-1)
        partes = [pesos_com_matrizes(a, b) @ c for a, b, c in zip(*(t.chunk(self.nh, -1) for t in (q, k, v)))]
        return self.proj(torch.cat(partes, -1))


@certa("atencao")
class AtencaoFundida(CausalSelfAttention):
    def forward(self, x):
        q, k, v = (dividir_view(t, self.n_heads) for t in self.qkv(x).split(x.size(-1), -1))
        return self.proj(F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).flatten(2))


class Atencao(CausalSelfAttention):
    """O molde das erradas."""

    dividir = staticmethod(dividir_view)
    final = True

    def escala(self, q):
        return q.size(-1) ** 0.5

    def pesar(self, pontos):
        return pontos.masked_fill(~_tril(pontos.size(-1)), -math.inf).softmax(-1)

    def juntar(self, y):
        return y.transpose(1, 2).flatten(2)

    def qkv_de(self, x):
        return self.qkv(x).split(x.size(-1), -1)

    def forward(self, x):
        q, k, v = (self.dividir(t, self.n_heads) for t in self.qkv_de(x))
        y = self.juntar(self.pesar(q @ k.mT / self.escala(q)) @ v)
        return self.proj(y) if self.final else y


@errada("atencao", "√d_model", "√hs")
class AtencaoEscalaDeC(Atencao):
    def escala(self, q):
        return self.proj.in_features**0.5


@errada("atencao", "Faltou a escala")
class AtencaoSemEscala(Atencao):
    def escala(self, q):
        return 1


@errada("atencao", "Faltou a máscara")
class AtencaoSemMascara(Atencao):
    def pesar(self, pontos):
        return pontos.softmax(-1)


@errada("atencao", "máscara veio depois do softmax")
class AtencaoMascaraDepois(Atencao):
    def pesar(self, pontos):
        return pontos.softmax(-1).masked_fill(~_tril(pontos.size(-1)), 0)


@errada("atencao", "transposta")
class AtencaoMascaraTransposta(Atencao):
    def pesar(self, pontos):
        return pontos.masked_fill(~_tril(pontos.size(-1)).T, -math.inf).softmax(-1)


@errada("atencao", "diagonal", "nan")
class AtencaoSemDiagonal(Atencao):
    def pesar(self, pontos):
        return pontos.masked_fill(torch.ones_like(pontos).triu() == 1, -math.inf).softmax(-1)


@errada("atencao", "eixo das cabeças")
class AtencaoSoftmaxNasCabecas(Atencao):
    def pesar(self, pontos):
        return pontos.masked_fill(~_tril(pontos.size(-1)), -math.inf).softmax(1)


@errada("atencao", "eixo errado", "coluna")
class AtencaoSoftmaxNasColunas(Atencao):
    def pesar(self, pontos):
        return pontos.masked_fill(~_tril(pontos.size(-1)), -math.inf).softmax(2)


@errada("atencao", "repartir cabeças, `view(B, T, nh, hs)` e então `transpose(1, 2)`")
class AtencaoView(Atencao):
    dividir = staticmethod(dividir_so_view)


@errada("atencao", "`view` sem `transpose`")
class AtencaoReshape(Atencao):
    def dividir(self, x, nh):
        return dividir_so_view(x.contiguous(), nh)


@errada("atencao", "juntadas sem `transpose`")
class AtencaoJuntaDireto(Atencao):
    def juntar(self, y):
        B, nh, T, hs = y.shape
        return y.reshape(B, T, nh * hs)


@errada("atencao", "proj", "esquecida")
class AtencaoSemProj(Atencao):
    final = False


@errada("atencao", "dois erros", "`proj`, foi esquecida", "Faltou a escala")
class AtencaoSemProjNemEscala(AtencaoSemEscala):
    final = False


@errada("atencao", "fora de ordem")
class AtencaoOrdemTrocada(Atencao):
    def qkv_de(self, x):
        k, q, v = self.qkv(x).split(x.size(-1), -1)
        return q, k, v


@errada("atencao", "uma cabeça só")
class AtencaoUmaCabeca(Atencao):
    def forward(self, x):
        q, k, v = self.qkv_de(x)
        return self.proj(pesos_com_matrizes(q, k) @ v)


@errada("atencao", "misturaram outra coisa")
class AtencaoMisturaChaves(Atencao):
    def qkv_de(self, x):
        q, k, _ = self.qkv(x).split(x.size(-1), -1)
        return q, k, k


@errada("atencao", "uma tupla de 2", "esperava um tensor")
class AtencaoDevolveDois(Atencao):
    def forward(self, x):
        return super().forward(x), x


@errada("atencao", "Falta na classe: `qkv`.", "`qkv`, `proj`")
class AtencaoOutrosNomes(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.query = nn.Linear(config.d_model, config.d_model)
        self.proj = nn.Linear(config.d_model, config.d_model)

    def forward(self, x):
        return self.proj(self.query(x))


@errada("atencao", "gradiente não chega")
class AtencaoSemGradiente(Atencao):
    def forward(self, x):
        with torch.no_grad():
            return super().forward(x)


@errada("atencao", "para juntá-las, `transpose` e então `reshape`")
class AtencaoViewDepoisDeTranspose(Atencao):
    def juntar(self, y):
        B, nh, T, hs = y.shape
        return y.transpose(1, 2).view(B, T, nh * hs)


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


# -- bloco ------------------------------------------------------------------------------------------------

certa("bloco")(TransformerBlock)


@certa("bloco")
class BlocoPorExtenso(TransformerBlock):
    def forward(self, x):
        a = self.attention(self.norm1(x))
        b = self.feedforward(self.norm2(x + a))
        return x + a + b


@certa("bloco")
class BlocoComAsPecasDoAluno(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.norm1, self.norm2 = NormaAMao(config.d_model), NormaAMao(config.d_model)
        self.attention, self.feedforward = AtencaoComLaco(config), FeedForwardExato(config)

    def forward(self, x):
        for peca, norma in ((self.attention, self.norm1), (self.feedforward, self.norm2)):
            x = residual_numa_linha(x, peca, norma)
        return x


@errada("bloco", "post-LN")
class BlocoPost(TransformerBlock):
    def forward(self, x):
        x = self.norm1(x + self.attention(x))
        return self.norm2(x + self.feedforward(x))


@errada("bloco", "primeiro atalho", "atenção")
class BlocoSemOPrimeiro(TransformerBlock):
    def forward(self, x):
        x = self.attention(self.norm1(x))
        return x + self.feedforward(self.norm2(x))


@errada("bloco", "segundo atalho", "feedforward")
class BlocoSemOSegundo(TransformerBlock):
    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return self.feedforward(self.norm2(x))


@errada("bloco", "duas somas")
class BlocoSemAtalhos(TransformerBlock):
    def forward(self, x):
        return self.feedforward(self.norm2(self.attention(self.norm1(x))))


@errada("bloco", "valor normalizado")
class BlocoEmTornoDaNorma(TransformerBlock):
    def forward(self, x):
        x = self.norm1(x)
        x = x + self.attention(x)
        x = self.norm2(x)
        return x + self.feedforward(x)


@errada("bloco", "A segunda soma usou o x do começo")
class BlocoXVelho(TransformerBlock):
    def forward(self, x):
        h = x + self.attention(self.norm1(x))
        return x + self.feedforward(self.norm2(h))


@errada("bloco", "leram o mesmo x")
class BlocoLadoALado(TransformerBlock):
    def forward(self, x):
        return x + self.attention(self.norm1(x)) + self.feedforward(self.norm2(x))


@errada("bloco", "mesma norma")
class BlocoUmaNorma(TransformerBlock):
    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return x + self.feedforward(self.norm1(x))


@errada("bloco", "ordem das peças")
class BlocoPecasTrocadas(TransformerBlock):
    def forward(self, x):
        x = x + self.feedforward(self.norm1(x))
        return x + self.attention(self.norm2(x))


@errada("bloco", "ordem das peças")
class BlocoFeedforwardPrimeiroComASuaNorma(TransformerBlock):
    def forward(self, x):
        x = x + self.feedforward(self.norm2(x))
        return x + self.attention(self.norm1(x))


@errada("bloco", "norma do feedforward")
class BlocoSemNorma2(TransformerBlock):
    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return x + self.feedforward(x)


# -- contar parâmetros ------------------------------------------------------------------------------------

@certa("contar_parametros")
def contar_montando(config):
    return GPTMini(config).num_parameters()


@certa("contar_parametros")
def contar_peca_por_peca(config):
    return sum(math.prod(p.shape) for p in GPTMini(config).parameters())


def contar(c, V=1, P=1, saida=True, b=None, proj=1, normas=2, final=1, blocos=None, atencoes=1):
    C, b = c.d_model, int(c.bias) if b is None else b
    bloco = atencoes * ((3 * C * C + 3 * C * b) + proj * (C * C + C * b)) + 8 * C * C + 5 * C * b + normas * 2 * C
    fim = c.vocab_size * C if saida and not c.tie_weights else 0
    return V * c.vocab_size * C + P * c.context_length * C + (c.n_layers if blocos is None else blocos) * bloco + final * 2 * C + fim


certa("contar_parametros")(contar)


@errada("contar_parametros", "própria tabela de tokens")
def contar_saida_duas_vezes(c):
    return contar(c, saida=False) + c.vocab_size * c.d_model


@errada("contar_parametros", "Faltou a tabela de posições")
def contar_sem_posicoes(c):
    return contar(c, P=0)


@errada("contar_parametros", "Faltaram os vieses")
def contar_sem_vieses(c):
    return contar(c, b=0)


@errada("contar_parametros", "mesmo com `bias=False`")
def contar_vieses_sempre(c):
    return contar(c, b=1)


@errada("contar_parametros", "um bloco só")
def contar_um_bloco(c):
    return contar(c, blocos=1)


@errada("contar_parametros", "LayerNorm final")
def contar_sem_norma_final(c):
    return contar(c, final=0)


@errada("contar_parametros", "tie_weights=False", "não foi contada")
def contar_sem_saida(c):
    return contar(c, saida=False)


@errada("contar_parametros", "projeção")
def contar_sem_proj(c):
    return contar(c, proj=0)


@errada("contar_parametros", "n_heads")
def contar_vezes_cabecas(c):
    return contar(c, atencoes=c.n_heads)


@errada("contar_parametros", "(float)", "esperava um int")
def contar_com_barra(c):
    return contar(c) * 4 / 4


# -- alvos ------------------------------------------------------------------------------------------------

@certa("alvos")
def alvos_em_blocos(tokens, context_length):
    n = (len(tokens) - 1) // context_length
    ids = torch.tensor(tokens)
    return ids[: n * context_length].view(n, -1), ids[1 : n * context_length + 1].view(n, -1)


@certa("alvos")
def alvos_deslizantes(tokens, context_length):
    inicios = range(len(tokens) - context_length)
    x = torch.tensor([tokens[i : i + context_length] for i in inicios])
    y = torch.tensor([tokens[i + 1 : i + 1 + context_length] for i in inicios])
    return x, y


@certa("alvos")
def alvos_unfold(tokens, T):
    janelas = tokens.unfold(0, T + 1, T)
    return janelas[:, :-1], janelas[:, 1:]


@errada("alvos", "não foram deslocados")
def alvos_iguais(tokens, T):
    x, _ = alvos_em_blocos(tokens, T)
    return x, x.clone()


@errada("alvos", "lado errado")
def alvos_trocados(tokens, T):
    x, y = alvos_em_blocos(tokens, T)
    return y, x


@errada("alvos", "último alvo", "deu a volta")
def alvos_roll(tokens, T):
    x, _ = alvos_em_blocos(tokens, T)
    return x, x.roll(-1, 1)


@errada("alvos", "último alvo", "não é o token seguinte")
def alvos_menos_cem(tokens, T):
    x, _ = alvos_em_blocos(tokens, T)
    return x, torch.cat([x[:, 1:], torch.full((len(x), 1), -100)], 1)


@errada("alvos", "dois tokens")
def alvos_de_dois(tokens, T):
    inicios = range(len(tokens) - T - 1)
    return (torch.tensor([tokens[i : i + T] for i in inicios]), torch.tensor([tokens[i + 2 : i + 2 + T] for i in inicios]))


@errada("alvos", "Faltam janelas")
def alvos_uma_janela(tokens, T):
    ids = torch.tensor(tokens)
    return ids[None, :T], ids[None, 1 : T + 1]


@errada("alvos", "Faltam janelas")
def alvos_uma_a_menos(tokens, T):
    x, y = alvos_em_blocos(tokens, T)
    return x[:-1], y[:-1]


@errada("alvos", "A forma veio (4,)", "N: janelas")
def alvos_sem_lote(tokens, T):
    ids = torch.tensor(tokens)
    return ids[:T], ids[1 : T + 1]


@errada("alvos", "`x` tem forma", "`y` tem")
def alvos_y_curto(tokens, T):
    x, _ = alvos_em_blocos(tokens, T)
    return x, x[:, 1:]


@errada("alvos", "último alvo", "deu a volta")
def alvos_roll_do_texto(tokens, T):
    ids = torch.tensor(tokens)
    n = len(ids) // T
    return ids[: n * T].view(n, T), ids.roll(-1)[: n * T].view(n, T)


# -- perda ------------------------------------------------------------------------------------------------

@certa("perda")
def perda_cross_entropy(logits, targets):
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten())


@certa("perda")
def perda_transposta(logits, targets):
    return nn.CrossEntropyLoss()(logits.transpose(1, 2), targets)


@certa("perda")
def perda_a_mao(logits, targets):
    B, T, V = logits.shape
    probs = logits.double().softmax(-1).reshape(B * T, V)
    return -probs[torch.arange(B * T), targets.reshape(-1)].log().mean()


@errada("perda", "achatados em ordens diferentes")
def perda_view(logits, targets):
    B, T, V = logits.shape
    return F.cross_entropy(logits.view(B, V, T), targets)


@errada("perda", "achatados em ordens diferentes")
def perda_alvos_deitados(logits, targets):
    return F.cross_entropy(logits.flatten(0, 1), targets.T.flatten())


@errada("perda", "achatados em ordens diferentes")
def perda_com_a_tabela_deitada(logits, targets):
    return F.cross_entropy(logits.reshape(logits.size(-1), -1).T, targets.flatten())


@errada("perda", "Devolveu", "torch.from_numpy")
def perda_em_numpy(logits, targets):
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten()).numpy()


@errada("perda", "só a última posição")
def perda_ultima(logits, targets):
    return F.cross_entropy(logits[:, -1], targets[:, -1])


@errada("perda", "somada", "média")
def perda_soma(logits, targets):
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="sum")


@errada("perda", "Faltou o sinal")
def perda_sem_sinal(logits, targets):
    return logits.log_softmax(-1).gather(-1, targets[..., None]).mean()


@errada("perda", "softmax entrou duas vezes")
def perda_softmax_duplo(logits, targets):
    return F.cross_entropy(logits.softmax(-1).flatten(0, 1), targets.flatten())


@errada("perda", "uma perda por posição", "(10,)")
def perda_sem_media(logits, targets):
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none")


@errada("perda", "float", "`.item()`")
def perda_item(logits, targets):
    return perda_cross_entropy(logits, targets).item()


@errada("perda", "base 2")
def perda_em_bits(logits, targets):
    return -torch.log2(logits.softmax(-1)).gather(-1, targets[..., None]).mean()


@errada("perda", "gradiente não chega")
def perda_refeita(logits, targets):
    return torch.tensor(perda_cross_entropy(logits, targets).item())


# -- passo de treino --------------------------------------------------------------------------------------

@certa("passo_de_treino")
def passo_da_licao(model, optimizer, x, y):
    _, loss = model(x, y)
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    return loss.item()


@certa("passo_de_treino")
def passo_que_apaga_no_fim(model, optimizer, x, y):
    model.train()
    loss = F.cross_entropy(model(x)[0].flatten(0, 1), y.flatten())
    loss.backward()
    optimizer.step()
    model.zero_grad()
    return float(loss)


@errada("passo_de_treino", "Faltou `optimizer.zero_grad()`")
def passo_sem_zero_grad(model, optimizer, x, y):
    loss = model(x, y)[1]
    loss.backward()
    optimizer.step()
    return loss.item()


@errada("passo_de_treino", "`step` veio antes do `backward`")
def passo_trocado(model, optimizer, x, y):
    loss = model(x, y)[1]
    optimizer.zero_grad()
    optimizer.step()
    loss.backward()
    return loss.item()


@errada("passo_de_treino", "`zero_grad` veio entre")
def passo_apaga_no_meio(model, optimizer, x, y):
    loss = model(x, y)[1]
    loss.backward()
    optimizer.zero_grad()
    optimizer.step()
    return loss.item()


@errada("passo_de_treino", "Falta `loss.backward()`")
def passo_sem_backward(model, optimizer, x, y):
    loss = model(x, y)[1]
    optimizer.zero_grad()
    optimizer.step()
    return loss.item()


@errada("passo_de_treino", "Falta `optimizer.step()`")
def passo_sem_step(model, optimizer, x, y):
    loss = model(x, y)[1]
    optimizer.zero_grad()
    loss.backward()
    return loss.item()


@errada("passo_de_treino", "um tensor", "`loss.item()`")
def passo_devolve_tensor(model, optimizer, x, y):
    loss = model(x, y)[1]
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss


@errada("passo_de_treino", "não devolveu a perda")
def passo_sem_return(model, optimizer, x, y):
    passo_da_licao(model, optimizer, x, y)


@errada("passo_de_treino", "depois do passo")
def passo_perda_de_depois(model, optimizer, x, y):
    passo_da_licao(model, optimizer, x, y)
    return model(x, y)[1].item()


@errada("passo_de_treino", "tupla", "`logits, loss = model(x, y)`")
def passo_com_tupla(model, optimizer, x, y):
    loss = model(x, y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


@errada("passo_de_treino", "não são os da perda média")
def passo_so_a_ultima(model, optimizer, x, y):
    loss = F.cross_entropy(model(x)[0][:, -1], y[:, -1])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


# -- amostrar ---------------------------------------------------------------------------------------------

@certa("amostrar")
def amostrar_do_curso(logits, temperature, top_k, generator):
    return sample(logits, temperature, top_k, generator).item()


@certa("amostrar")
def amostrar_com_menos_infinito(logits, temperature, top_k, generator):
    z = logits / temperature
    if top_k is not None:
        z = z.masked_fill(z < z.topk(top_k).values[-1], -math.inf)
    return int(torch.multinomial(z.softmax(0), 1, generator=generator))


@certa("amostrar")
def amostrar_pela_roleta(logits, temperature, top_k, generator):
    ids = sorted(range(len(logits)), key=lambda i: -logits[i])[:top_k]
    pesos = [math.exp(logits[i] / temperature) for i in ids]
    bolinha = torch.rand(1, generator=generator).item() * sum(pesos)
    for i, peso in zip(ids, pesos):
        bolinha -= peso
        if bolinha <= 0:
            return i
    return ids[-1]


def _amostra(z, top_k, generator):
    if top_k is not None:
        z = torch.where(z < z.topk(top_k).values[-1], torch.tensor(-math.inf), z)
    return torch.multinomial(z.softmax(-1), 1, generator=generator).item()


@errada("amostrar", "falta o softmax")
def amostrar_logits_com_menos_infinito(logits, temperature, top_k, generator):
    z = logits / temperature
    if top_k is not None:
        z = z.masked_fill(z < z.topk(top_k).values[-1], -math.inf)
    return torch.multinomial(z, 1, generator=generator).item()


@errada("amostrar", "multiplicou")
def amostrar_multiplicando(logits, temperature, top_k, generator):
    return _amostra(logits * temperature, top_k, generator)


@errada("amostrar", "temperatura não fez efeito")
def amostrar_temperatura_depois(logits, temperature, top_k, generator):
    z = logits if top_k is None else logits.masked_fill(logits < logits.topk(top_k).values[-1], -math.inf)
    return torch.multinomial(z.softmax(-1) / temperature, 1, generator=generator).item()


@errada("amostrar", "deixou passar uma palavra a mais")
def amostrar_k_mais_um(logits, temperature, top_k, generator):
    return _amostra(logits / temperature, None if top_k is None else top_k + 1, generator)


@errada("amostrar", "cortou uma palavra a mais")
def amostrar_menor_ou_igual(logits, temperature, top_k, generator):
    z = logits / temperature
    if top_k is not None:
        z = z.masked_fill(z <= z.topk(top_k).values[-1], -math.inf)
    return torch.multinomial(z.softmax(-1), 1, generator=generator).item()


@errada("amostrar", "argmax", "sorteio")
def amostrar_argmax(logits, temperature, top_k, generator):
    return (logits / temperature).argmax().item()


@errada("amostrar", "top-k não fez efeito")
def amostrar_sem_top_k(logits, temperature, top_k, generator):
    return _amostra(logits / temperature, None, generator)


@errada("amostrar", "lugar", "id da palavra")
def amostrar_lugar(logits, temperature, top_k, generator):
    if top_k is not None:
        logits = logits.topk(top_k).values
    return _amostra(logits / temperature, None, generator)


@errada("amostrar", "`generator` não foi usado")
def amostrar_sem_generator(logits, temperature, top_k, generator):
    return _amostra(logits / temperature, top_k, None)


@errada("amostrar", "um tensor", "esperava um int")
def amostrar_tensor(logits, temperature, top_k, generator):
    return sample(logits, temperature, top_k, generator)


@errada("amostrar", "sempre o mesmo id")
def amostrar_semente_fixa(logits, temperature, top_k, generator):
    return _amostra(logits / temperature, top_k, generator.manual_seed(1))


@errada("amostrar", "Faltou o softmax")
def amostrar_sem_softmax(logits, temperature, top_k, generator):
    z = logits / temperature
    if top_k is not None:
        z = z.masked_fill(z < z.topk(top_k).values[-1], 0)
    return torch.multinomial(z, 1, generator=generator).item()


@errada("amostrar", "mudou a entrada")
def amostrar_no_lugar(logits, temperature, top_k, generator):
    if top_k is not None:
        logits[logits < logits.topk(top_k).values[-1]] = -math.inf
    return _amostra(logits / temperature, None, generator)


# -- gerar ------------------------------------------------------------------------------------------------

@certa("gerar")
def gerar_do_curso(model, idx, max_new_tokens):
    return generate(model, idx, max_new_tokens, temperature=0)


@certa("gerar")
@torch.inference_mode()
def gerar_com_lista(model, idx, max_new_tokens):
    ids = idx[0].tolist()
    for _ in range(max_new_tokens):
        logits, _ = model(torch.tensor([ids[-model.config.context_length :]]))
        ids.append(int(logits[0, -1].softmax(-1).argmax()))
    return torch.tensor([ids])


@errada("gerar", "contexto não foi recortado", "enxerga 5")
@torch.no_grad()
def gerar_sem_recorte(model, idx, max_new_tokens):
    for _ in range(max_new_tokens):
        idx = torch.cat([idx, model(idx)[0][:, -1].argmax(-1, keepdim=True)], 1)
    return idx


@errada("gerar", "começo se perdeu", "só os tokens novos")
@torch.no_grad()
def gerar_so_novos(model, idx, max_new_tokens):
    return gerar_do_curso(model, idx, max_new_tokens)[:, idx.size(1) :]


@errada("gerar", "começo se perdeu", "recortado para a janela")
@torch.no_grad()
def gerar_recortando(model, idx, max_new_tokens):
    for _ in range(max_new_tokens):
        idx = idx[:, -model.config.context_length :]
        idx = torch.cat([idx, model(idx)[0][:, -1].argmax(-1, keepdim=True)], 1)
    return idx


@errada("gerar", "gradientes foram guardados", "no_grad")
def gerar_com_gradientes(model, idx, max_new_tokens):
    for _ in range(max_new_tokens):
        logits = model(idx[:, -model.config.context_length :])[0]
        idx = torch.cat([idx, logits[:, -1].argmax(-1, keepdim=True)], 1)
    return idx


@errada("gerar", "primeiros tokens, e não com os últimos")
@torch.no_grad()
def gerar_janela_do_comeco(model, idx, max_new_tokens):
    for _ in range(max_new_tokens):
        logits = model(idx[:, : model.config.context_length])[0]
        idx = torch.cat([idx, logits[:, -1].argmax(-1, keepdim=True)], 1)
    return idx


@errada("gerar", "sem sorteio")
@torch.no_grad()
def gerar_sorteando(model, idx, max_new_tokens):
    return generate(model, idx, max_new_tokens, temperature=3.0)


@errada("gerar", "primeira posição")
@torch.no_grad()
def gerar_primeira_posicao(model, idx, max_new_tokens):
    for _ in range(max_new_tokens):
        logits = model(idx[:, -model.config.context_length :])[0]
        idx = torch.cat([idx, logits[:, 0].argmax(-1, keepdim=True)], 1)
    return idx


@errada("gerar", "um token a mais")
@torch.no_grad()
def gerar_um_a_mais(model, idx, max_new_tokens):
    return gerar_do_curso(model, idx, max_new_tokens + 1)


@errada("gerar", "só viu o último token")
@torch.no_grad()
def gerar_so_o_ultimo(model, idx, max_new_tokens):
    for _ in range(max_new_tokens):
        idx = torch.cat([idx, model(idx[:, -1:])[0][:, -1].argmax(-1, keepdim=True)], 1)
    return idx


# -- o que uma aluna novata escreveu, a frio --------------------------------------------------------------

class TokenizadorCalado(Tokenizador):
    """O molde: diante da palavra desconhecida, faz outra coisa em vez de levantar um erro."""

    def encode(self, texto):
        tokens = self.cortar(texto)
        return self.desconhecida(tokens) if set(tokens) - set(self.id) else [self.id[t] for t in tokens]


@errada("tokenizador", "passou em silêncio")
class TokenizadorComNenhum(TokenizadorCalado):
    def desconhecida(self, tokens):
        return [self.id.get(t) for t in tokens]


@errada("tokenizador", "não levantou um erro")
class TokenizadorQueAvisa(TokenizadorCalado):
    def desconhecida(self, tokens):
        print("palavra desconhecida")


@errada("tokenizador", "passou em silêncio")
class TokenizadorQueDevolveErro(TokenizadorCalado):
    def desconhecida(self, tokens):
        return "erro"


@errada("tokenizador", "passou em silêncio", "`encode` fez")
class TokenizadorQueDaOutroId(TokenizadorCalado):
    def desconhecida(self, tokens):
        return [self.id.get(t, len(self.id)) for t in tokens]


@errada("tokenizador", "passou em silêncio")
class TokenizadorQueAprende(TokenizadorCalado):
    def desconhecida(self, tokens):
        for t in tokens:
            if t not in self.id:
                self.id[t] = len(self.vocab)
                self.vocab.append(t)
        return [self.id[t] for t in tokens]


@errada("tokenizador", "passou em silêncio")
class TokenizadorUnicode:
    def __init__(self, texts):
        pass

    def encode(self, texto):
        return [ord(c) for c in texto]

    def decode(self, ids):
        return "".join(map(chr, ids))


@errada("pesos_de_atencao", "É o código do enunciado", "lado errado")
def pesos_como_vieram(q, k):
    T = q.size(1)
    pontos = q @ k.transpose(-2, -1)
    permitido = torch.ones(T, T).triu().bool()
    return pontos.softmax(-1).masked_fill(~permitido, 0)


@errada("pesos_de_atencao", "potência é `**`")
def pesos_com_chapeu(q, k):
    return q @ k.mT / q.size(-1) ^ 0.5


@errada("pesos_de_atencao", "`~` só troca verdadeiro e falso")
def pesos_com_mascara_de_numeros(q, k):
    return (q @ k.mT).masked_fill(~torch.ones(q.size(1), q.size(1)).tril(), -math.inf).softmax(-1)


@errada("pesos_de_atencao", "o contrário da máscara é `~m`")
def pesos_com_um_menos(q, k):
    return (q @ k.mT).masked_fill(1 - torch.ones(q.size(1), q.size(1)).tril().bool(), -math.inf).softmax(-1)


@errada("pesos_de_atencao", "De um lado do `=`")
def pesos_que_desempacotam(q, k):
    B, T = q.shape
    return q @ k.mT


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


@errada("layernorm", "10e-5", "dez vezes maior")
class NormaComOutroEps(LayerNorm):
    def forward(self, x):
        return (x - x.mean(-1, keepdim=True)) / torch.sqrt(x.var(-1, correction=0, keepdim=True) + 10e-5) * self.gain + self.bias


@errada("residual", "chame-a com parênteses")
def residual_sem_chamar(x, sublayer, norm):
    return x + sublayer


@errada("bloco", "A atenção não chega à saída")
class BlocoSemAAtencao(TransformerBlock):
    def forward(self, x):
        x + self.attention(self.norm1(x))
        return x + self.feedforward(self.norm2(x))


@errada("contar_parametros", "tabela de posições", "LayerNorm final")
def contar_sem_posicoes_nem_fim(c):
    return contar(c, P=0, final=0)


@errada("contar_parametros", "`token_embedding` + `position_embedding` + `final_norm`")
def contar_so_os_blocos(c):
    return contar(c, V=0, P=0, final=0)


@errada("contar_parametros", "`proj` ou o de `contract`")
def contar_sem_o_vies_da_proj(c):
    return contar(c) - c.n_layers * c.d_model * c.bias


@errada("perda", "tantos eixos quantos a tabela")
def perda_com_gather_torto(logits, targets):
    return -logits.log_softmax(-1).gather(-1, targets).mean()


@errada("passo_de_treino", "`backward` parte de um número só")
def passo_pelos_logits(model, optimizer, x, y):
    logits, perda = model(x, y)
    optimizer.zero_grad()
    logits.backward()
    optimizer.step()
    return perda.item()


@errada("amostrar", "k primeiros ids")
def amostrar_os_primeiros(logits, temperature, top_k, generator):
    p = (logits / temperature).softmax(-1)
    return torch.multinomial(p if top_k is None else p[:top_k], 1, generator=generator).item()


@errada("gerar", "nenhum token novo ficou")
def gerar_nada(model, idx, max_new_tokens):
    return idx


@errada("amostrar", "separe-os, como em `valores, ids")
def amostrar_com_topk_inteiro(logits, temperature, top_k, generator):
    return torch.multinomial((logits.topk(top_k or 5) / temperature).softmax(-1), 1, generator=generator).item()


@errada("residual", "é `None`")
def residual_com_nada(x, sublayer, norm):
    return x + None


@errada("gelu", "é `None`")
def gelu_de_nada(x):
    return torch.tanh(None)


# -- o que só se vê com mais de um caso por parâmetro -----------------------------------------------------

@certa("amostrar")
def amostrar_gumbel(logits, temperature, top_k, generator):
    z = logits / temperature
    if top_k is not None:
        z = z.masked_fill(z < z.topk(min(top_k, len(z))).values[-1], -math.inf)
    return int((z - torch.empty_like(z).exponential_(generator=generator).log()).argmax())


@certa("amostrar")
def amostrar_pela_soma(logits, temperature, top_k, generator):
    p = (logits / temperature).softmax(-1)
    if top_k is not None:
        valores, ids = p.topk(min(top_k, len(p)))
        p = torch.zeros_like(p).scatter(0, ids, valores / valores.sum())
    return min(int((p.cumsum(0) < torch.rand((), generator=generator)).sum()), len(p) - 1)


@certa("pesos_de_atencao")
def pesos_com_a_exponencial_da_licao(q, k):
    e = (q @ k.mT / q.size(-1) ** 0.5).masked_fill(~_tril(q.size(1)), -math.inf).exp()
    return e / e.sum(-1, keepdim=True)


@certa("gelu")
def gelu_em_memoria_emprestada(x, memoria=torch.zeros(41)):
    memoria.resize_(x.shape).copy_(F.gelu(x))
    return memoria


@errada("amostrar", "temperatura só fez efeito sem `top_k`")
def amostrar_sem_temperatura_com_top_k(logits, temperature, top_k, generator):
    return _amostra(logits / temperature if top_k is None else logits, min(top_k or len(logits), len(logits)), generator)


@errada("amostrar", "três notas empatadas")
def amostrar_procurando_a_nota(logits, temperature, top_k, generator):
    if top_k is None:
        return _amostra(logits / temperature, None, generator)
    valores = logits.topk(min(top_k, len(logits))).values
    lugar = torch.multinomial((valores / temperature).softmax(-1), 1, generator=generator).item()
    iguais = (logits == valores[lugar]).nonzero().flatten()
    return iguais[0 if top_k == 2 else lugar % len(iguais)].item()


@errada("amostrar", "o id", "saiu")
def amostrar_com_temperatura_limitada(logits, temperature, top_k, generator):
    return _amostra(logits / max(temperature, 0.1), top_k and min(top_k, len(logits)), generator)


@errada("amostrar", "o id", "saiu")
def amostrar_com_uma_pitada_de_acaso(logits, temperature, top_k, generator):
    if torch.rand(1, generator=generator).item() < 0.05:
        return int(torch.randint(len(logits), (1,), generator=generator))
    return _amostra(logits / temperature, top_k and min(top_k, len(logits)), generator)


@errada("amostrar", "o id", "saiu")
def amostrar_top_k_um_vira_nenhum(logits, temperature, top_k, generator):
    return _amostra(logits / temperature, min(top_k, len(logits)) if top_k and top_k > 1 else None, generator)


@errada("amostrar", "`generator` não foi usado")
def amostrar_sem_generator_com_top_k(logits, temperature, top_k, generator):
    return _amostra(logits / temperature, top_k and min(top_k, len(logits)), None if top_k else generator)


@errada("mascara_causal", "A forma veio (64, 64)", "esperava (97, 97)")
def mascara_cortada(T):
    return torch.ones(64, 64, dtype=torch.bool).tril()[:T, :T]


@errada("mascara_causal", "A forma está certa, mas os números diferem")
def mascara_de_janela(T):
    return torch.ones(T, T, dtype=torch.bool).tril().triu(-50)


@errada("mascara_causal", "torch.float32")
def mascara_que_muda_de_tipo(T):
    return torch.ones(T, T).tril().bool() if T < 50 else torch.ones(T, T).tril()


@errada("pesos_de_atencao", "O futuro recebe atenção")
def pesos_com_menos_cem(q, k):
    return (q @ k.mT / q.size(-1) ** 0.5).masked_fill(~_tril(q.size(1)), -100.0).softmax(-1)


@errada("pesos_de_atencao", "não somam 1")
def pesos_com_um_pouco_no_divisor(q, k):
    e = (q @ k.mT / q.size(-1) ** 0.5).masked_fill(~_tril(q.size(1)), -math.inf).exp()
    return e / (e.sum(-1, keepdim=True) + 1e-9)


@errada("atencao", "must match the size")
class AtencaoComMascaraCortada(Atencao):
    def pesar(self, pontos):
        T = pontos.size(-1)
        return pontos.masked_fill(~_tril(64)[:T, :T], -math.inf).softmax(-1)


@errada("atencao", "gradiente não chega")
class AtencaoComPesosSoltos(Atencao):
    def qkv_de(self, x):
        return F.linear(x, self.qkv.weight.data, self.qkv.bias).split(x.size(-1), -1)


@errada("feedforward", "gradiente não chega")
class FeedForwardComPesosSoltos(FeedForward):
    def forward(self, x):
        return F.linear(self.gelu(self.expand(x)), self.contract.weight.detach(), self.contract.bias)


@errada("layernorm", "gradiente não chega")
class NormaComGanhoSolto(Norma):
    def forward(self, x):
        return F.layer_norm(x, x.shape[-1:], self.gain.data, self.bias, self.eps)


@errada("gelu", "a sua função dá", "a GELU dá")
def gelu_cortada(x):
    return F.gelu(x.clamp(-10, 10))


@errada("gelu", "a sua função dá nan")
def gelu_com_tanh_a_mao(x):
    u = math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)
    return 0.5 * x * (1 + (u.exp() - (-u).exp()) / (u.exp() + (-u).exp()))


@errada("residual", "gradiente não chega")
def residual_sem_caminho(x, sublayer, norm):
    return x.detach() + sublayer(norm(x))


@errada("bloco", "gradiente não chega")
class BlocoComAtencaoParada(TransformerBlock):
    def forward(self, x):
        with torch.no_grad():
            atencao = self.attention(self.norm1(x))
        x = x + atencao
        return x + self.feedforward(self.norm2(x))


@errada("perda", "veio inf", "antes do logaritmo")
def perda_log_do_softmax(logits, targets):
    return -logits.softmax(-1).log().gather(-1, targets[..., None]).mean()


@errada("perda", "veio nan", "exponencial estourou")
def perda_com_exponencial(logits, targets):
    p = logits.exp() / logits.exp().sum(-1, keepdim=True)
    return -p.gather(-1, targets[..., None]).log().mean()


@errada("perda", "veio 18", "antes do logaritmo")
def perda_com_um_pouquinho(logits, targets):
    return -(logits.softmax(-1).gather(-1, targets[..., None]) + 1e-16).log().mean()


@errada("passo_de_treino", "modo de avaliação")
def passo_em_eval(model, optimizer, x, y):
    model.eval()
    return passo_da_licao(model, optimizer, x, y)


@errada("passo_de_treino", "O modelo ficou em modo de avaliação")
def passo_que_deixa_em_eval(model, optimizer, x, y):
    perda = passo_da_licao(model, optimizer, x, y)
    model.eval()
    return perda


@errada("passo_de_treino", "O modelo rodou em modo de avaliação")
def passo_com_os_blocos_em_eval(model, optimizer, x, y):
    model.blocks.eval()
    perda = passo_da_licao(model, optimizer, x, y)
    model.train()
    return perda


@errada("passo_de_treino", "chamado 2 vezes")
def passo_com_dois_steps(model, optimizer, x, y):
    perda = passo_da_licao(model, optimizer, x, y)
    optimizer.step()
    return perda


def _gerar(model, idx, n, fim=()):
    for _ in range(n):
        idx = torch.cat([idx, model(idx[:, -model.config.context_length :])[0][:, -1].argmax(-1, keepdim=True)], 1)
        if idx[0, -1].item() in fim:
            break
    return idx


@errada("gerar", "A forma veio")
@torch.no_grad()
def gerar_ate_o_fim(model, idx, max_new_tokens):
    return _gerar(model, idx, max_new_tokens, fim=(0,))


@errada("gerar", "um token a mais")
@torch.no_grad()
def gerar_pelo_menos_um(model, idx, max_new_tokens):
    return _gerar(model, idx, max(max_new_tokens, 1))


@errada("gerar", "ids são inteiros")
@torch.no_grad()
def gerar_em_float(model, idx, max_new_tokens):
    return _gerar(model, idx, max_new_tokens).float()


@errada("gerar", "os números diferem")
@torch.no_grad()
def gerar_sem_o_fim(model, idx, max_new_tokens):
    for _ in range(max_new_tokens):
        idx = torch.cat([idx, model(idx[:, -model.config.context_length :])[0][:, -1, 1:].argmax(-1, keepdim=True) + 1], 1)
    return idx


@errada("alvos", "tokens que se repetem")
def alvos_pelo_valor(tokens, T):
    x, _ = alvos_em_blocos(tokens, T)
    return x, torch.tensor([[tokens[tokens.index(v) + 1] for v in linha] for linha in x.tolist()])


@errada("contar_parametros", "sobram 1")
def contar_com_dropout(c):
    return contar(c) + (c.dropout > 0)


@errada("tokenizador", "só da primeira vez")
class TokenizadorQueDecora(Tokenizador):
    def encode(self, texto):
        self.ultimo = texto
        return super().encode(texto)

    def decode(self, ids):
        return self.ultimo


@errada("tokenizador", "só da primeira vez")
class TokenizadorComCaderno(Tokenizador):
    caderno = {}

    def encode(self, texto):
        ids = super().encode(texto)
        self.caderno[tuple(ids)] = texto
        return ids

    def decode(self, ids):
        return self.caderno.get(tuple(ids), "")


@errada("tokenizador", "passou em silêncio", "Zigurate")
class TokenizadorQueSoOlhaOFim(Tokenizador):
    def encode(self, texto):
        tokens = self.cortar(texto)
        if set(tokens[1:]) - set(self.id) or len(tokens) == 1 and tokens[0] not in self.id:
            raise KeyError(tokens)
        return [self.id.get(token, 0) for token in tokens]


@errada("tokenizador", "não dá o mesmo texto", "Ate o avo")
class TokenizadorSemAcento(Tokenizador):
    def cortar(self, texto):
        return re.findall(CORTE, "".join(c for c in unicodedata.normalize("NFD", texto) if not unicodedata.combining(c)))


@errada("tokenizador", "passou em silêncio")
class TokenizadorQueEnfeitaOVazio(Tokenizador):
    def encode(self, texto):
        return super().encode(texto) or [0]
