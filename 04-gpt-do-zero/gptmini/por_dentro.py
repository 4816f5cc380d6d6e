"""O que acontece dentro do modelo quando ele lê um texto: os dados das figuras e dos painéis."""

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Parada:
    """Um ponto do caminho: de que bloco (0: fora deles), de que peça (uma chave de `veja.COR`) e o que sai dali."""

    nome: str
    bloco: int
    peca: str
    vetores: torch.Tensor     # (T, C)
    fluxo: torch.Tensor       # (T, C)   o fluxo residual neste ponto

    @property
    def titulo(self):
        return f"bloco {self.bloco} · {self.nome}" if self.bloco else self.nome


@dataclass(frozen=True)
class Caminho:
    """O caminho de um texto pelo modelo, parada por parada."""

    model: torch.nn.Module
    paradas: list
    atencao: torch.Tensor     # (L, nh, T, T)   quanto cada token olha para cada um, por bloco e cabeça
    neuronios: torch.Tensor   # (L, T, 4C)      o que a GELU de cada bloco deixa passar
    logits: torch.Tensor      # (T, V)

    @torch.no_grad()
    def lente(self, parada):
        """O que o modelo diria se parasse ali: a saída aplicada aos vetores da parada, em chances (T, V).

        A norma só faz uma cópia, que não volta ao fluxo; nela a lente lê o próprio fluxo.
        """
        onde = next(self.model.parameters()).device
        x = parada.fluxo if parada.peca == "norm" else parada.vetores
        return self.model.head(self.model.final_norm(x.to(onde))).softmax(-1).cpu()


@torch.no_grad()
def percorrer(model, ids):
    """Lista de ids -> `Caminho`: as contas de `GPTMini.forward`, guardando o que sai de cada peça."""
    treinando, onde = model.training, next(model.parameters()).device
    idx = torch.tensor([list(ids)], device=onde)                                      # (1, T)
    paradas, atencao, neuronios = [], [], []

    def parar(nome, bloco, peca, vetores):
        paradas.append(Parada(nome, bloco, peca, vetores[0].cpu(), x[0].cpu()))

    model.eval()
    try:
        x = model.token_embedding(idx) + model.position_embedding(torch.arange(idx.size(1), device=onde))   # (1, T, C)
        parar("embedding", 0, "embedding", x)
        for n, bloco in enumerate(model.blocks, start=1):
            lido = bloco.norm1(x)                                                     # (1, T, C)
            parar("LayerNorm 1", n, "norm", lido)
            escrito, pesos = bloco.attention(lido, return_weights=True)               # (1, T, C), (1, nh, T, T)
            parar("atenção", n, "atencao", escrito)
            x = x + escrito
            parar("residual 1", n, "residual", x)
            lido = bloco.norm2(x)                                                     # (1, T, C)
            parar("LayerNorm 2", n, "norm", lido)
            acesos = bloco.feedforward.gelu(bloco.feedforward.expand(lido))           # (1, T, 4C)
            escrito = bloco.feedforward(lido)                                         # (1, T, C)
            parar("feedforward", n, "feedforward", escrito)
            x = x + escrito
            parar("residual 2", n, "residual", x)
            atencao.append(pesos[0].cpu())
            neuronios.append(acesos[0].cpu())
        logits = model.head(model.final_norm(x))[0].cpu()                             # (T, V)
    finally:
        model.train(treinando)
    return Caminho(model, paradas, torch.stack(atencao), torch.stack(neuronios), logits)


def chances(logits, temperature=1.0, top_k=None):
    """As chances (V,) com que `sample` sorteia: logits (V,) divididos pela temperatura, só os top_k maiores."""
    if temperature == 0:
        return torch.nn.functional.one_hot(logits.argmax(-1), logits.size(-1)).float()
    valores, ids = logits.topk(min(top_k or logits.size(-1), logits.size(-1)))        # (k,)
    return torch.zeros_like(logits).scatter(-1, ids, ((valores - valores[0]) / temperature).softmax(-1))


@torch.no_grad()
def o_que_acende(model, tokenizer, textos):
    """Quanto cada neurônio acende, em média, em cada palavra: (L, V, 4C); `nan` para palavra que não aparece."""
    V, L = tokenizer.vocab_size, len(model.blocks)
    soma = torch.zeros(L, V, 4 * model.config.d_model)
    vezes = torch.zeros(V)
    for texto in textos:
        ids = [tokenizer.fim, *tokenizer.encode(texto)][: model.config.context_length]
        soma.index_add_(1, torch.tensor(ids), percorrer(model, ids).neuronios)
        vezes += torch.bincount(torch.tensor(ids), minlength=V)
    return soma / vezes.where(vezes > 0, torch.nan)[:, None]


@torch.no_grad()
def o_que_empurra(model, bloco, neuronio):
    """Quanto o que um neurônio escreve pende para cada palavra da saída: (V,). `bloco` conta do 1."""
    escrita = model.blocks[bloco - 1].feedforward.contract.weight[:, neuronio]        # (C,)
    return (model.head.weight @ ((escrita - escrita.mean()) * model.final_norm.gain)).cpu()   # (V,)
