"""Atenção: respostas certas e erradas."""

import math

import torch
import torch.nn.functional as F
from torch import nn

from apoio.confere.licoes.atencao import _atencao, _cortar, _janela, _lapis, _mascara, _pesos
from gptmini import CausalSelfAttention
from respostas import certa, errada, imita

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


# -- a classe: o molde é a do curso, e cada resposta troca o forward ---------------------------------------

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


# -- o que uma aluna novata escreveu, a frio --------------------------------------------------------------

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


# -- o que só se vê com mais de um caso por parâmetro -----------------------------------------------------

@certa("pesos_de_atencao")
def pesos_com_a_exponencial_da_licao(q, k):
    e = (q @ k.mT / q.size(-1) ** 0.5).masked_fill(~_tril(q.size(1)), -math.inf).exp()
    return e / e.sum(-1, keepdim=True)


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


# -- as contas erradas dos verificadores, como se fossem respostas -------------------------------------------

imita("mascara_causal")(lambda **a: lambda T: _mascara(T, **a) if "somar" in a.values() else _mascara(T, **a).bool())
imita("pesos_de_atencao")(lambda **a: lambda q, k: _pesos(q, k, **a))
imita("dividir_cabecas")(lambda **a: lambda x, nh: _cortar(x, nh, **a))
imita("atencao")(lambda **a: type("X", (CausalSelfAttention,), {"forward": lambda self, x: _atencao(self, x, **a)}))


# -- os pesos a lápis -------------------------------------------------------------------------------------

@certa("pesos_a_lapis")
def lapis_com_lista(pontos):
    exponenciais = [math.exp(ponto) for ponto in pontos]
    total = sum(exponenciais)
    return [e / total for e in exponenciais]


@certa("pesos_a_lapis")
def lapis_tirando_o_maior(pontos):
    exponenciais = []
    for ponto in pontos:
        exponenciais.append(2.718281828459045 ** (ponto - max(pontos)))
    return tuple(e / sum(exponenciais) for e in exponenciais)


@certa("pesos_a_lapis")
def lapis_com_torch(pontos):
    return torch.tensor(pontos).softmax(dim=-1)


@errada("pesos_a_lapis", "Faltou a exponencial")
def lapis_sem_exponencial(pontos):
    return [p / sum(pontos) for p in pontos]


@errada("pesos_a_lapis", "Faltou dividir")
def lapis_sem_dividir(pontos):
    return [math.exp(p) for p in pontos]


@errada("pesos_a_lapis", "pela maior exponencial")
def lapis_pelo_maior(pontos):
    e = [math.exp(p) for p in pontos]
    return [x / max(e) for x in e]


@errada("pesos_a_lapis", "pela soma dos pontos")
def lapis_pela_soma_dos_pontos(pontos):
    return [math.exp(p) / sum(pontos) for p in pontos]


@errada("pesos_a_lapis", "quantidade de pontos")
def lapis_pela_quantidade(pontos):
    return [math.exp(p) / len(pontos) for p in pontos]


@errada("pesos_a_lapis", "A base é outra")
def lapis_base_2(pontos):
    return [2**p / sum(2**q for q in pontos) for p in pontos]


@errada("pesos_a_lapis", "sinal está trocado")
def lapis_ao_contrario(pontos):
    e = [math.exp(-p) for p in pontos]
    return [x / sum(e) for x in e]


@errada("pesos_a_lapis", "Veio um dicionário")
def lapis_dicionario(pontos):
    e = {i: math.exp(p) for i, p in enumerate(pontos)}
    return {i: x / sum(e.values()) for i, x in e.items()}


@errada("pesos_a_lapis", "esperava uma lista", "um peso por ponto")
def lapis_return_no_laco(pontos):
    total = sum(math.exp(p) for p in pontos)
    for p in pontos:
        return math.exp(p) / total


# -- a janela ---------------------------------------------------------------------------------------------

@certa("janela")
def janela_com_laco(T):
    permitido = torch.ones(T, T, dtype=torch.bool).tril()
    for i in range(3, T):
        permitido[i, : i - 2] = False
    return permitido


@certa("janela")
def janela_com_triu(T):
    return torch.ones(T, T).tril().triu(-2) == 1


@certa("janela")
def janela_comparando(T):
    i = torch.arange(T)
    distancia = i[:, None] - i[None, :]
    return (distancia >= 0) & (distancia < 3)


@errada("janela", "máscara causal inteira")
def janela_sem_janela(T):
    return torch.ones(T, T, dtype=torch.bool).tril()


@errada("janela", "dois lugares")
def janela_de_dois(T):
    return torch.ones(T, T).tril().triu(-1).bool()


@errada("janela", "quatro lugares")
def janela_de_quatro(T):
    return torch.ones(T, T).tril().triu(-3).bool()


@errada("janela", "dois lados")
def janela_para_os_dois_lados(T):
    i = torch.arange(T)
    return (i[:, None] - i[None, :]).abs() <= 2


@errada("janela", "Nenhum token vê a si mesmo")
def janela_sem_si(T):
    i = torch.arange(T)
    d = i[:, None] - i[None, :]
    return (d >= 1) & (d <= 2)


@errada("janela", "janela está virada")
def janela_virada(T):
    return torch.ones(T, T).triu().tril(2).bool()


@errada("janela", "As linhas 0 e 1 ficaram sem ninguém")
def janela_de_indice_negativo(T):
    permitido = torch.zeros(T, T, dtype=torch.bool)
    for i in range(T):
        permitido[i, i - 2 : i + 1] = True
    return permitido


@errada("janela", "três colunas do fim")
def janela_das_ultimas(T):
    permitido = torch.ones(T, T, dtype=torch.bool).tril()
    permitido[:, : max(0, T - 3)] = False
    return permitido


@errada("janela", "torch.float32", "torch.bool")
def janela_de_uns(T):
    return torch.ones(T, T).tril().triu(-2)


imita("pesos_a_lapis")(lambda **a: lambda pontos: _lapis(pontos, **a).tolist())
imita("janela")(lambda **a: lambda T: _janela(T, **a).bool())


# -- quem só chama a solução, e os enganos de nome ---------------------------------------------------------

@errada("atencao", "chama `CausalSelfAttention`", "solução da lição")
class AtencaoQueChama(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.pronta = CausalSelfAttention(config)
        self.qkv, self.proj = self.pronta.qkv, self.pronta.proj

    def forward(self, x):
        return self.pronta(x)


@errada("atencao", "chama `CausalSelfAttention`", "solução da lição")
class AtencaoHerdada(CausalSelfAttention):
    pass


@errada("atencao", "`n_heads` é do objeto", "`self.n_heads`")
class AtencaoSemSelf(Atencao):
    def forward(self, x):
        B, T, C = x.shape
        return self.proj(x.view(B, T, n_heads, -1).reshape(B, T, C))  # noqa: F821


@errada("dividir_cabecas", "O nome `nh` não existe nesse ponto", "recebê-lo no `def`")
def dividir_sem_receber(x, n_heads):
    B, T, C = x.shape
    return x.view(B, T, nh, C // nh).transpose(1, 2)  # noqa: F821


@errada("dividir_cabecas", "vários tensores juntos", "`torch.stack`")
def dividir_em_pedacos(x, n_heads):
    return x.chunk(n_heads, dim=-1)
