"""O que acontece dentro do modelo quando ele lê um texto: os dados das figuras e dos painéis."""

import inspect
from dataclasses import asdict, dataclass

import torch

from gptmini.cache import PECAS, check_pieces, differs
from gptmini.geracao import check_logits, check_sampling
from gptmini.modelo import GPTMini
from gptmini.texto import as_int, short
from gptmini.treino import as_row, eval_mode
from gptmini.vetores import GPTConfig


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
        with torch.autocast(onde.type, enabled=False):
            return self.model.head(self.model.final_norm(x.to(onde))).softmax(-1).cpu()


@torch.no_grad()
def percorrer(model, ids):
    """Lista de ids -> `Caminho`: as contas de `GPTMini.forward`, guardando o que sai de cada peça.

    No fim, compara os logits com os do próprio modelo: se ele faz outra conta, recusa e diz em que peça.
    """
    check_pieces(model)
    for n, bloco in enumerate(model.blocks, start=1):
        if "return_weights" not in inspect.signature(bloco.attention.forward).parameters:
            raise TypeError(f"a atenção do bloco {n} não devolve os seus pesos; esperava forward(x, return_weights=False), como a da lição 02.")
        if faltam := [peca for peca in ("expand", "gelu", "contract") if not hasattr(bloco.feedforward, peca)]:
            raise TypeError(f"o feedforward do bloco {n} não tem {', '.join(faltam)}; esperava as peças da lição 03.")
    onde = next(model.parameters()).device
    V = model.config.vocab_size
    ids = [as_int(f"o id do lugar {lugar}", i, 0, V - 1) for lugar, i in enumerate(as_row(ids, "o texto"))]
    idx = torch.tensor([ids], dtype=torch.long, device=onde)                          # (1, T)
    paradas, atencao, neuronios, outra_conta = [], [], [], False

    def parar(nome, bloco, peca, vetores):
        paradas.append(Parada(nome, bloco, peca, vetores[0].cpu(), x[0].cpu()))

    with eval_mode(model), torch.autocast(onde.type, enabled=False):      # os números do modelo, sem o arredondamento em volta
        certos = model(idx)[0]                                                        # (1, T, V)
        x = model.token_embedding(idx) + model.position_embedding(torch.arange(idx.size(1), device=onde))   # (1, T, C)
        parar("embedding", 0, "embedding", x)
        for n, bloco in enumerate(model.blocks, start=1):
            lido = bloco.norm1(x)                                                     # (1, T, C)
            parar("LayerNorm 1", n, "norm", lido)
            a_mao, pesos = bloco.attention(lido, return_weights=True)                 # (1, T, C), (1, nh, T, T)
            escrito = bloco.attention(lido)                                           # (1, T, C)   a conta que o modelo faz
            outra_conta = outra_conta or differs(a_mao, escrito)
            parar("atenção", n, "atencao", escrito)
            x = x + escrito
            parar("residual 1", n, "residual", x)
            lido = bloco.norm2(x)                                                     # (1, T, C)
            parar("LayerNorm 2", n, "norm", lido)
            acesos = bloco.feedforward.gelu(bloco.feedforward.expand(lido))           # (1, T, 4C)
            escrito = bloco.feedforward.contract(acesos)                              # (1, T, C)
            parar("feedforward", n, "feedforward", escrito)
            x = x + escrito
            parar("residual 2", n, "residual", x)
            atencao.append(pesos[0].cpu())
            neuronios.append(acesos[0].cpu())
        logits = model.head(model.final_norm(x))                                      # (1, T, V)
        if not certos.isfinite().all():
            raise ValueError("as notas deste modelo vieram com nan ou infinito; veja se a perda do treino ainda era um número.")
        if outra_conta or differs(logits, certos):
            peca = difere_do_padrao(model) or "a atenção, ao devolver os seus pesos,"
            raise ValueError(f"não dá para abrir este modelo: {peca} faz outra conta, e a figura mostraria números que não são os dele.")
    return Caminho(model, paradas, torch.stack(atencao), torch.stack(neuronios), logits[0].cpu())


def chances(logits, temperature=1.0, top_k=None):
    """As chances (V,) com que `sample` sorteia: logits (V,) divididos pela temperatura, só os top_k maiores."""
    temperature, top_k = check_sampling(temperature, top_k, None)
    check_logits(logits)
    if logits.dim() != 1:
        raise ValueError(f"logits tem forma {tuple(logits.shape)}; esperava (V,), as notas de um token só.")
    if temperature < 1e-9:
        return torch.nn.functional.one_hot(logits.argmax(-1), logits.size(-1)).float()
    valores, ids = logits.topk(min(top_k or logits.size(-1), logits.size(-1)))        # (k,)
    return torch.zeros_like(logits).scatter(-1, ids, ((valores - valores[0]) / temperature).softmax(-1))


@torch.no_grad()
def o_que_acende(model, tokenizer, textos):
    """Quanto cada neurônio acende, em média, em cada palavra: (L, V, 4C); `nan` para palavra que não aparece."""
    check_pieces(model)
    if isinstance(textos, str) or not isinstance(textos, (list, tuple)) or not textos:
        raise TypeError(f"textos veio {short(textos)}; esperava uma lista com ao menos um texto: [texto].")
    V, L = model.config.vocab_size, len(model.blocks)
    if not callable(getattr(tokenizer, "encode", None)) or getattr(tokenizer, "vocab_size", None) != V:
        raise TypeError(f"tokenizer veio {type(tokenizer).__name__}; esperava o tokenizador com que o modelo treinou, de {V} tokens.")
    soma = torch.zeros(L, V, 4 * model.config.d_model, dtype=torch.float32)
    vezes = torch.zeros(V)
    for texto in textos:
        ids = [tokenizer.fim, *tokenizer.encode(texto)][: model.config.context_length]
        soma.index_add_(1, torch.tensor(ids), percorrer(model, ids).neuronios.to(soma))
        vezes += torch.bincount(torch.tensor(ids), minlength=V)
    return soma / vezes.where(vezes > 0, torch.nan)[:, None]


@torch.no_grad()
def o_que_empurra(model, bloco, neuronio):
    """Quanto o que um neurônio escreve pende para cada palavra da saída: (V,). `bloco` conta do 1."""
    check_pieces(model)
    bloco = as_int("bloco", bloco, 1, len(model.blocks))
    neuronio = as_int("neuronio", neuronio, 0, 4 * model.config.d_model - 1)
    escrita = model.blocks[bloco - 1].feedforward.contract.weight[:, neuronio]        # (C,)
    return (model.head.weight @ ((escrita - escrita.mean()) * model.final_norm.gain)).cpu()   # (V,)


# -- o modelo é o do capítulo? ----------------------------------------------------------------------------


@torch.no_grad()
def difere_do_padrao(model):
    """A peça em que o modelo não faz a conta de um `GPTMini` com os mesmos pesos, ou None se nenhuma difere.

    Decide pelos números, com a janela curta e com ela cheia de ids sorteados: um arquivo só guarda pesos, e quem o lê
    refaz as contas do capítulo.
    """
    check_pieces(model)
    pesos, onde = model.state_dict(), next(model.parameters())
    amarrado = getattr(model.head, "weight", None) is getattr(model.token_embedding, "weight", 0)
    with torch.random.fork_rng(devices=[]):
        padrao = GPTMini(GPTConfig(**asdict(model.config) | {"tie_weights": amarrado})).to(onde)
    formas, certas = ({nome: tuple(p.shape) for nome, p in estado.items()} for estado in (pesos, padrao.state_dict()))
    if outras := [nome for nome in [*certas, *formas] if formas.get(nome) != certas.get(nome)]:
        return f"«{outras[0]}» (veio {formas.get(outras[0], 'nada')}, e o do capítulo tem {certas.get(outras[0], 'nada')})"
    padrao.load_state_dict(pesos)
    ids = torch.randint(model.config.vocab_size, (2, model.config.context_length), generator=torch.Generator().manual_seed(0), device="cpu")
    ids = ids.to(onde.device)                                                         # (2, T)
    with eval_mode(model), eval_mode(padrao):
        if not any(differs(model(parte)[0], padrao(parte)[0]) for parte in (ids[:, :8], ids)):
            return None
        x = padrao.token_embedding(ids) + padrao.position_embedding.weight[: ids.size(1)]      # (2, T, C)
        for n, (bloco, certo) in enumerate(zip(model.blocks, padrao.blocks, strict=True), start=1):
            for peca in PECAS["block"]:
                if differs(getattr(bloco, peca)(x), getattr(certo, peca)(x)):
                    return f"{NOMES[peca]} do bloco {n}"
            if differs(bloco(x), certo(x)):
                return f"o bloco {n} (as somas, a ordem das normas, ou um gancho nele)"
            x = certo(x)
        if differs(model.final_norm(x), padrao.final_norm(x)):
            return "a normalização final"
        return "o que vem antes dos blocos (embedding, posição) ou depois deles (saída)"


NOMES = {"norm1": "a primeira normalização", "attention": "a atenção", "norm2": "a segunda normalização", "feedforward": "o feedforward"}
