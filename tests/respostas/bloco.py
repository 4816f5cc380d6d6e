"""O bloco e o modelo: respostas certas e erradas."""

import math

import torch
from torch import nn

from apoio.confere.licoes.bloco import _bloco, _parametros
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
imita("contar_parametros")(lambda **a: lambda ficha: int(_parametros(ficha, **a)))
