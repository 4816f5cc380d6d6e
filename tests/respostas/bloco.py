"""O bloco e o modelo: respostas certas e erradas."""

import torch
import torch.nn.functional as F
from torch import nn

import gptmini
from apoio.confere.licoes.bloco import _bloco, _modelo, _Paralelo, _paralelo, _parametros, _perda, _Pilha, _pilha
from gptmini import GPTMini, TransformerBlock
from respostas import certa, errada, imita
from respostas.atencao import AtencaoComLaco
from respostas.feedforward import FeedForwardExato
from respostas.residual import NormaAMao, residual_numa_linha

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


@errada("bloco", "Na linha da atenção, o atalho saiu do valor normalizado", "A segunda soma usou o x do começo")
class BlocoDaNormaEXVelho(TransformerBlock):
    def forward(self, x):
        n = self.norm1(x)
        h = n + self.attention(n)
        return x + self.feedforward(self.norm2(h))


@errada("bloco", "usou `norm1(x)`, do começo")
class BlocoSomaANormaDoComeco(TransformerBlock):
    def forward(self, x):
        n = self.norm1(x)
        x = x + self.attention(n)
        return n + self.feedforward(self.norm2(x))


@errada("bloco", "só o que a atenção escreveu")
class BlocoSomaSoAAtencao(TransformerBlock):
    def forward(self, x):
        a = self.attention(self.norm1(x))
        return a + self.feedforward(self.norm2(x + a))


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


@errada("bloco", "normalização do feedforward")
class BlocoSemNorma2(TransformerBlock):
    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return x + self.feedforward(x)


# -- contar parâmetros ------------------------------------------------------------------------------------

@certa("contar_parametros")
def contar_camada_por_camada(config):
    C, vies = config.d_model, 1 if config.bias else 0
    camadas = [(C, 3 * C), (C, C), (C, 4 * C), (4 * C, C)]
    bloco = sum(a * b + b * vies for a, b in camadas) + 4 * C
    tabelas = config.vocab_size if config.tie_weights else 2 * config.vocab_size
    return (tabelas + config.context_length + 2) * C + config.n_layers * bloco


def contar(c, V=1, P=1, saida=True, b=None, proj=1, normas=2, final=1, blocos=None, atencoes=1):
    C, b = c.d_model, int(c.bias) if b is None else b
    bloco = atencoes * ((3 * C * C + 3 * C * b) + proj * (C * C + C * b)) + 8 * C * C + 5 * C * b + normas * 2 * C
    fim = c.vocab_size * C if saida and not c.tie_weights else 0
    return V * c.vocab_size * C + P * c.context_length * C + (c.n_layers if blocos is None else blocos) * bloco + final * 2 * C + fim


certa("contar_parametros")(contar)


@errada("contar_parametros", "própria tabela de tokens")
def contar_saida_duas_vezes(c):
    return contar(c, saida=False) + c.vocab_size * c.d_model


@errada("contar_parametros", "usa `GPTMini`", "sem montar")
def contar_montando(config):
    return GPTMini(config).num_parameters()


def _da_classe(modelo):
    return sum(p.numel() for p in modelo.parameters())


@errada("contar_parametros", "sem montar")
def contar_com_ajuda(config):
    return _da_classe(gptmini.modelo.GPTMini(config))


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


# -- a pilha ----------------------------------------------------------------------------------------------

@certa("consertar_pilha")
class PilhaComLaco(_Pilha):
    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return self.final_norm(x)


@certa("consertar_pilha")
class PilhaEmSequencia(_Pilha):
    def forward(self, x):
        return nn.Sequential(*self.blocks, self.final_norm)(x)


@errada("consertar_pilha", "lê o `x` do começo", "só o último conta")
class PilhaDoEnunciado(_Pilha):
    def forward(self, x):
        for block in self.blocks:
            y = block(x)
            y = self.final_norm(y)
        return y


@errada("consertar_pilha", "dentro do laço")
class PilhaComNormaNoLaco(_Pilha):
    def forward(self, x):
        for block in self.blocks:
            x = self.final_norm(block(x))
        return x


@errada("consertar_pilha", "só o último conta")
class PilhaQueLeOComeco(_Pilha):
    def forward(self, x):
        for block in self.blocks:
            y = block(x)
        return self.final_norm(y)


@errada("consertar_pilha", "última normalização", "depois do laço")
class PilhaSemNorma(_Pilha):
    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return x


@errada("consertar_pilha", "dentro do laço?")
class PilhaQueVoltaCedo(_Pilha):
    def forward(self, x):
        for block in self.blocks:
            x = block(x)
            return self.final_norm(x)


@errada("consertar_pilha", "uma soma a mais")
class PilhaComAtalho(_Pilha):
    def forward(self, x):
        for block in self.blocks:
            x = x + block(x)
        return self.final_norm(x)


@errada("consertar_pilha", "antes da pilha")
class PilhaNormaNoComeco(_Pilha):
    def forward(self, x):
        x = self.final_norm(x)
        for block in self.blocks:
            x = block(x)
        return x


# -- o modelo ---------------------------------------------------------------------------------------------

class _GPT(GPTMini):
    """As camadas do exercício; o `forward` é o de quem responde."""


@certa("modelo")
class GPTPorExtenso(_GPT):
    def forward(self, idx):
        x = self.token_embedding(idx) + self.position_embedding(torch.arange(idx.size(1)))
        for block in self.blocks:
            x = block(x)
        return self.head(self.final_norm(x))


@certa("modelo")
class GPTComATabela(_GPT):
    def forward(self, idx):
        T = idx.shape[1]
        x = self.token_embedding.weight[idx] + self.position_embedding.weight[:T]
        x = nn.Sequential(*self.blocks)(x)
        return self.final_norm(x) @ self.token_embedding.weight.T


@errada("modelo", "Faltou somar os vetores de posição")
class GPTSemPosicoes(_GPT):
    def forward(self, idx):
        x = self.token_embedding(idx)
        for block in self.blocks:
            x = block(x)
        return self.head(self.final_norm(x))


@errada("modelo", "Faltou a última normalização")
class GPTSemNorma(_GPT):
    def forward(self, idx):
        x = self.token_embedding(idx) + self.position_embedding(torch.arange(idx.size(1)))
        for block in self.blocks:
            x = block(x)
        return self.head(x)


@errada("modelo", "dentro do laço")
class GPTNormaNoLaco(_GPT):
    def forward(self, idx):
        x = self.token_embedding(idx) + self.position_embedding(torch.arange(idx.size(1)))
        for block in self.blocks:
            x = self.final_norm(block(x))
        return self.head(x)


@errada("modelo", "ainda é o de mentira")
class GPTQueNaoGuarda(_GPT):
    def forward(self, idx):
        x = self.token_embedding(idx) + self.position_embedding(torch.arange(idx.size(1)))
        for block in self.blocks:
            block(x)
        return self.head(self.final_norm(x))


@errada("modelo", "Saíram chances")
class GPTComSoftmax(_GPT):
    def forward(self, idx):
        return GPTPorExtenso.forward(self, idx).softmax(dim=-1)


@errada("modelo", "faltou `head`")
class GPTSemSaida(_GPT):
    def forward(self, idx):
        x = self.token_embedding(idx) + self.position_embedding(torch.arange(idx.size(1)))
        for block in self.blocks:
            x = block(x)
        return self.final_norm(x)


@errada("modelo", "o mesmo vetor de posição")
class GPTComUmaPosicaoSo(_GPT):
    def forward(self, idx):
        x = self.token_embedding(idx) + self.position_embedding(torch.tensor(idx.size(1) - 1))
        for block in self.blocks:
            x = block(x)
        return self.head(self.final_norm(x))


# -- a perda ----------------------------------------------------------------------------------------------

@certa("perda_cruzada")
def perda_com_laco(logits, alvos):
    total, contadas = 0.0, 0
    for t in range(len(alvos)):
        if alvos[t] != -100:
            chance = logits[t].softmax(dim=-1)[alvos[t]]
            total = total - chance.log()
            contadas = contadas + 1
    return total / contadas


@certa("perda_cruzada")
def perda_com_gather(logits, alvos):
    contam = alvos != -100
    logs = logits[contam].log_softmax(dim=-1)
    return -logs.gather(1, alvos[contam].view(-1, 1)).mean()


@errada("perda_cruzada", "chama `cross_entropy`", "à mão")
def perda_pronta(logits, alvos):
    return F.cross_entropy(logits, alvos)


@errada("perda_cruzada", "sinal de menos")
def perda_sem_sinal(logits, alvos):
    return -perda_com_laco(logits, alvos)


@errada("perda_cruzada", "Saiu a soma")
def perda_somada(logits, alvos):
    return perda_com_laco(logits, alvos) * (alvos != -100).sum()


@errada("perda_cruzada", "dividida por T")
def perda_dividida_por_todas(logits, alvos):
    return perda_com_laco(logits, alvos) * (alvos != -100).sum() / len(alvos)


@errada("perda_cruzada", "faltou o logaritmo")
def perda_sem_ln(logits, alvos):
    contam = alvos != -100
    return logits[contam].softmax(dim=-1).gather(1, alvos[contam].view(-1, 1)).mean()


@errada("perda_cruzada", "alvo −100 entraram")
def perda_que_conta_tudo(logits, alvos):
    return -logits.log_softmax(dim=-1).gather(1, alvos.clamp(min=0).view(-1, 1)).mean()


@errada("perda_cruzada", "pelas posições")
def perda_no_eixo_errado(logits, alvos):
    contam = alvos != -100
    return -logits.log_softmax(dim=0)[contam].gather(1, alvos[contam].view(-1, 1)).mean()


# -- o bloco paralelo -------------------------------------------------------------------------------------

@certa("bloco_paralelo")
class ParaleloEmUmaLinha(_Paralelo):
    def forward(self, x):
        return x + self.attention(self.norm(x)) + self.feedforward(self.norm(x))


@certa("bloco_paralelo")
class ParaleloPorPartes(_Paralelo):
    def forward(self, x):
        lido = self.norm(x)
        escrito = self.attention(lido) + self.feedforward(lido)
        return x + escrito


@errada("bloco_paralelo", "ainda é uma fila")
class ParaleloEmFila(_Paralelo):
    def forward(self, x):
        x = x + self.attention(self.norm(x))
        return x + self.feedforward(self.norm(x))


@errada("bloco_paralelo", "Falta o atalho")
class ParaleloSemAtalho(_Paralelo):
    def forward(self, x):
        lido = self.norm(x)
        return self.attention(lido) + self.feedforward(lido)


@errada("bloco_paralelo", "somado duas vezes")
class ParaleloComDoisAtalhos(_Paralelo):
    def forward(self, x):
        lido = self.norm(x)
        return (x + self.attention(lido)) + (x + self.feedforward(lido))


@errada("bloco_paralelo", "valor normalizado")
class ParaleloEmTornoDaNorma(_Paralelo):
    def forward(self, x):
        x = self.norm(x)
        return x + self.attention(x) + self.feedforward(x)


@errada("bloco_paralelo", "O feedforward leu x cru")
class ParaleloComFeedforwardCru(_Paralelo):
    def forward(self, x):
        return x + self.attention(self.norm(x)) + self.feedforward(x)


@errada("bloco_paralelo", "depois da soma")
class ParaleloPost(_Paralelo):
    def forward(self, x):
        return self.norm(x + self.attention(x) + self.feedforward(x))


# -- o que uma aluna novata escreveu, a frio --------------------------------------------------------------

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


# -- o que só se vê com mais de um caso por parâmetro -----------------------------------------------------

@errada("bloco", "gradiente não chega")
class BlocoComAtencaoParada(TransformerBlock):
    def forward(self, x):
        with torch.no_grad():
            atencao = self.attention(self.norm1(x))
        x = x + atencao
        return x + self.feedforward(self.norm2(x))


@errada("contar_parametros", "sobram 1")
def contar_com_dropout(c):
    return contar(c) + (c.dropout > 0)


# -- as contas erradas dos verificadores, como se fossem respostas -------------------------------------------

imita("bloco")(lambda **a: type("X", (TransformerBlock,), {"forward": lambda self, x: _bloco(self, x, **a)}))
imita("consertar_pilha")(lambda **a: type("X", (_Pilha,), {"forward": lambda self, x: _pilha(self, x, **a)}))
imita("modelo")(lambda **a: type("X", (GPTMini,), {"forward": lambda self, idx: _modelo(self, idx, **a)}))
imita("perda_cruzada")(lambda **a: lambda logits, alvos: _perda(logits, alvos, **a))
imita("bloco_paralelo")(lambda **a: type("X", (_Paralelo,), {"forward": lambda self, x: _paralelo(self, x, **a)}))
imita("contar_parametros")(lambda **a: lambda ficha: int(_parametros(ficha, **a)))
