"""Tensores e vetores: respostas certas e erradas."""

import torch
from torch import nn

from apoio.confere.licoes.vetores import _centrar, _entrada, _ganho_e_vies, _GanhoEVies, _inclinacao, _linear, _posicoes
from respostas import certa, errada, imita

# -- centrar ----------------------------------------------------------------------------------------------

@certa("centrar")
def centrar_com_mean(x):
    media = x.mean(dim=0)
    return x - media


@certa("centrar")
def centrar_coluna_por_coluna(x):
    colunas = [coluna - coluna.sum() / len(coluna) for coluna in x.T]
    return torch.stack(colunas).T


@errada("centrar", "cada linha")
def centrar_por_linha(x):
    return x - x.mean(dim=1)[:, None]


@errada("centrar", "cada linha")
def centrar_por_linha_deitada(x):
    return x - x.mean(dim=1)


@errada("centrar", "a da tabela inteira")
def centrar_de_tudo(x):
    return x - x.mean()


@errada("centrar", "não a média")
def centrar_com_soma(x):
    return x - x.sum(dim=0)


@errada("centrar", "ao contrário")
def centrar_ao_contrario(x):
    return x.mean(dim=0) - x


@errada("centrar", "falta tirá-las")
def centrar_so_media(x):
    return x.mean(dim=0)


@errada("centrar", "foi somada")
def centrar_somando(x):
    return x + x.mean(0)


@errada("centrar", "mudou a entrada")
def centrar_no_lugar(x):
    x -= x.mean(0)
    return x


# -- minha_linear -----------------------------------------------------------------------------------------

@certa("minha_linear")
def linear_com_laco(x, W, b):
    saida = []
    for linha, vies in zip(W, b):
        saida.append((linha * x).sum() + vies)
    return torch.stack(saida)


@certa("minha_linear")
def linear_numa_linha(x, W, b):
    return x @ W.T + b


@errada("minha_linear", "uma **linha** de W")
def linear_sem_deitar(x, W, b):
    return x @ W + b


@errada("minha_linear", "Faltou o viés")
def linear_sem_vies(x, W, b):
    return x @ W.T


@errada("minha_linear", "Faltou somar")
def linear_sem_somar(x, W, b):
    return x * W + b


@errada("minha_linear", "em cada parcela")
def linear_vies_em_cada(x, W, b):
    saida = []
    for linha, vies in zip(W, b):
        saida.append((linha * x + vies).sum())
    return torch.stack(saida)


@errada("minha_linear", "somado a x")
def linear_vies_antes(x, W, b):
    return (x + b) @ W.T


@errada("minha_linear", "lista", "torch.stack")
def linear_em_lista(x, W, b):
    return [(linha * x).sum() + vies for linha, vies in zip(W, b)]


@certa("minha_linear")
def linear_de_numeros(x, W, b):
    """Corta o gradiente; a lição ainda não falou dele."""
    return torch.tensor([(linha * x).sum().item() + vies.item() for linha, vies in zip(W, b)])


@errada("minha_linear", "foi subtraído")
def linear_que_subtrai(x, W, b):
    return x @ W.T - b


# -- ganho_e_vies -----------------------------------------------------------------------------------------

class Ganho(nn.Module):
    """O molde, com o construtor que se pede."""

    def __init__(self, n):
        super().__init__()
        self.ganho = nn.Parameter(torch.ones(n))
        self.vies = nn.Parameter(torch.zeros(n))


@certa("ganho_e_vies")
class GanhoDireto(Ganho):
    def forward(self, x):
        return x * self.ganho + self.vies


@certa("ganho_e_vies")
class GanhoPorPartes(nn.Module):
    def __init__(self, tamanho):
        nn.Module.__init__(self)
        self.vies = nn.Parameter(torch.ones(tamanho) - 1)
        self.ganho = nn.Parameter(self.vies.detach() + 1)

    def forward(self, entra):
        entra = self.ganho * entra
        return torch.add(entra, self.vies)


@errada("ganho_e_vies", "tensor solto")
class GanhoSolto(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.ganho = torch.ones(n)
        self.vies = torch.zeros(n)

    def forward(self, x):
        return x * self.ganho + self.vies


@errada("ganho_e_vies", "Falta na classe o parâmetro `vies`")
class GanhoSemVies(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.ganho = nn.Parameter(torch.ones(n))

    def forward(self, x):
        return x * self.ganho


@errada("ganho_e_vies", "super().__init__()")
class GanhoSemSuper(nn.Module):
    def __init__(self, n):
        self.ganho = nn.Parameter(torch.ones(n))
        self.vies = nn.Parameter(torch.zeros(n))


@errada("ganho_e_vies", "esperava (4,)")
class GanhoDeUmNumero(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.ganho = nn.Parameter(torch.ones(1))
        self.vies = nn.Parameter(torch.zeros(1))

    def forward(self, x):
        return x * self.ganho + self.vies


@errada("ganho_e_vies", "começar todo em 1")
class GanhoSorteado(Ganho):
    def __init__(self, n):
        super().__init__(n)
        self.ganho = nn.Parameter(torch.randn(n))


@errada("ganho_e_vies", "antes do ganho")
class GanhoDepois(Ganho):
    def forward(self, x):
        return (x + self.vies) * self.ganho


@errada("ganho_e_vies", "Faltou o viés")
class GanhoSo(Ganho):
    def forward(self, x):
        return x * self.ganho


@errada("ganho_e_vies", "trocados")
class GanhoTrocado(Ganho):
    def forward(self, x):
        return x * self.vies + self.ganho


@errada("ganho_e_vies", "não tem `forward`")
class GanhoComOutroNome(Ganho):
    def foward(self, x):
        return x * self.ganho + self.vies


# -- inclinacao -------------------------------------------------------------------------------------------

@certa("inclinacao")
def inclinacao_por_empurrao(f, w):
    h = 0.001
    return (f(w + h) - f(w)) / h


@certa("inclinacao")
def inclinacao_dos_dois_lados(f, w):
    return (f(w + 1e-4) - f(w - 1e-4)) / 2e-4


@certa("inclinacao")
def inclinacao_pelo_pytorch(f, w):
    w = torch.tensor(w, requires_grad=True)
    f(w).backward()
    return w.grad.item()


@errada("inclinacao", "dividir pelo empurrão")
def inclinacao_sem_dividir(f, w):
    return f(w + 0.001) - f(w)


@errada("inclinacao", "sinal está trocado")
def inclinacao_trocada(f, w):
    return (f(w) - f(w + 0.001)) / 0.001


@errada("inclinacao", "com os parênteses")
def inclinacao_sem_parenteses(f, w):
    return f(w + 0.001) - f(w) / 0.001


@errada("inclinacao", "dividida por w")
def inclinacao_por_w(f, w):
    return (f(w + 0.001) - f(w)) / w


@errada("inclinacao", "só")
def inclinacao_do_quadrado(f, w):
    return 2 * w


@errada("inclinacao", "grande demais")
def inclinacao_de_longe(f, w):
    return f(w + 1) - f(w)


@errada("inclinacao", "o dobro")
def inclinacao_dobrada(f, w):
    return (f(w + 0.001) - f(w - 0.001)) / 0.001


@errada("inclinacao", "Subtraiu-se w")
def inclinacao_menos_w(f, w):
    return (f(w + 0.001) - w) / 0.001


@errada("inclinacao", "em w = 3, veio", "a inclinação ali é 6")
def inclinacao_com_outro_empurrao(f, w):
    return (f(w + 0.001) - f(w)) / 0.01


@errada("inclinacao", "esperava um número")
def inclinacao_em_texto(f, w):
    return str((f(w + 0.001) - f(w)) / 0.001)


# -- entrada ----------------------------------------------------------------------------------------------

@certa("entrada")
def entrada_com_laco(ids, tabela, posicoes):
    x = []
    for lugar, i in enumerate(ids):
        x.append(tabela[i] + posicoes[lugar])
    return torch.stack(x)


@certa("entrada")
def entrada_de_uma_vez(ids, tabela, posicoes):
    return tabela[torch.tensor(ids)] + posicoes[:len(ids)]


@errada("entrada", "escolhida pelo id")
def entrada_pelo_id(ids, tabela, posicoes):
    x = []
    for i in ids:
        x.append(tabela[i] + posicoes[i])
    return torch.stack(x)


@errada("entrada", "Faltou o vetor de posição")
def entrada_sem_posicao(ids, tabela, posicoes):
    return tabela[ids]


@errada("entrada", "mesmo vetor de posição")
def entrada_no_lugar_zero(ids, tabela, posicoes):
    return tabela[ids] + posicoes[0]


@errada("entrada", "começaram em 1")
def entrada_desde_um(ids, tabela, posicoes):
    return torch.stack([tabela[i] + posicoes[lugar] for lugar, i in enumerate(ids, 1)])


@errada("entrada", "um vetor só")
def entrada_somada(ids, tabela, posicoes):
    total = 0
    for lugar, i in enumerate(ids):
        total = total + tabela[i] + posicoes[lugar]
    return total


@errada("entrada", "contadas do fim")
def entrada_do_fim(ids, tabela, posicoes):
    return tabela[ids] + posicoes[-len(ids):]


@errada("entrada", "quem a escolhe é o id")
def entrada_tabela_na_ordem(ids, tabela, posicoes):
    return torch.stack([tabela[lugar] + posicoes[lugar] for lugar, i in enumerate(ids)])


@errada("entrada", "lista", "torch.stack")
def entrada_em_lista(ids, tabela, posicoes):
    return [tabela[i] + posicoes[lugar] for lugar, i in enumerate(ids)]


# -- contar_posicoes --------------------------------------------------------------------------------------

@certa("contar_posicoes")
def contar_com_contador(ids, fim):
    posicoes, agora = [], 0
    for i in ids:
        posicoes.append(agora)
        agora = 0 if i == fim else agora + 1
    return posicoes


@certa("contar_posicoes")
def contar_pelo_comeco(ids, fim):
    comecos = [0] + [lugar + 1 for lugar, i in enumerate(ids) if i == fim]
    return torch.tensor([lugar - max(c for c in comecos if c <= lugar) for lugar in range(len(ids))])


@errada("contar_posicoes", "nunca recomeça")
def contar_sem_recomecar(ids, fim):
    return list(range(len(ids)))


@errada("contar_posicoes", "no próprio `<fim>`")
def contar_do_fim(ids, fim):
    posicoes, agora = [], 0
    for i in ids:
        if i == fim:
            agora = 0
        posicoes.append(agora)
        agora += 1
    return posicoes


@errada("contar_posicoes", "as outras, em 1")
def contar_recomecando_em_um(ids, fim):
    posicoes, agora = [], 0
    for i in ids:
        posicoes.append(agora)
        if i == fim:
            agora = 0
        agora += 1
    return posicoes


@errada("contar_posicoes", "Faltam posições")
def contar_sem_o_fim(ids, fim):
    posicoes, agora = [], 0
    for i in ids:
        if i == fim:
            agora = 0
        else:
            posicoes.append(agora)
            agora += 1
    return posicoes


@errada("contar_posicoes", "começou em 1")
def contar_desde_um(ids, fim):
    return [n + 1 for n in contar_com_contador(ids, fim)]


@errada("contar_posicoes", "compara com 0")
def contar_com_zero_fixo(ids, fim):
    return contar_com_contador(ids, 0)


@errada("contar_posicoes", "só recomeçou uma vez")
def contar_uma_vez(ids, fim):
    if fim not in ids:
        return list(range(len(ids)))
    corte = ids.index(fim) + 1
    return list(range(corte)) + list(range(len(ids) - corte))


@errada("contar_posicoes", "lista de inteiros")
def contar_em_texto(ids, fim):
    return " ".join(map(str, contar_com_contador(ids, fim)))


imita("centrar")(lambda **a: lambda x: _centrar(x, **a))
imita("minha_linear")(lambda **a: lambda x, W, b: _linear(x, W, b, **a))
imita("ganho_e_vies")(lambda **a: type("X", (_GanhoEVies,), {"forward": lambda self, x: _ganho_e_vies(self, x, **a)}))
imita("inclinacao")(lambda **a: lambda f, w: _inclinacao(f, w, **a).item())
imita("entrada")(lambda **a: lambda ids, tabela, posicoes: _entrada(ids, tabela, posicoes, **a))
imita("contar_posicoes")(lambda **a: lambda ids, fim: _posicoes(ids, fim, **a).tolist())
