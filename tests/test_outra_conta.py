"""Um modelo que não faz a conta do capítulo: cache, painéis, página e arquivo o recusam e dizem a peça; o resto segue igual."""

import math

import pytest
import torch
from torch import nn

from apoio import interativo, ponto, pronto
from apoio.por_dentro import difere_do_padrao, percorrer
from apoio.publicar import publicar
from gptmini import GPTConfig, GPTMini, KVCache, WordTokenizer, generate, generate_cached
from gptmini.treino import adamw

FICHA = GPTConfig(vocab_size=7, context_length=12, d_model=16, n_heads=2, n_layers=2)
TOKENIZER = WordTokenizer(["a b c d e f"])


@pytest.fixture
def modelo():
    torch.manual_seed(0)
    modelo = GPTMini(FICHA).eval()
    with torch.no_grad():
        for p in modelo.parameters():
            p.add_(0.3 * torch.randn_like(p))      # recém-sorteado, quase toda peça dá quase zero, e as contas se parecem
    return modelo


def trocar_forward(peca, forward):
    peca.forward = forward


def post_ln(m):
    for b in m.blocks:
        def forward(x, b=b):
            x = b.norm1(x + b.attention(x))
            return b.norm2(x + b.feedforward(x))
        trocar_forward(b, forward)


def sem_residual(m):
    b = m.blocks[1]
    trocar_forward(b, lambda x: b.feedforward(b.norm2(b.attention(b.norm1(x)))))


def atencao(m, escala=True, mascara=True, qk_norm=False):
    a = m.blocks[0].attention

    def forward(x, return_weights=False):
        B, T, C = x.shape
        q, k, v = (t.view(B, T, a.n_heads, -1).transpose(1, 2) for t in a.qkv(x).split(C, -1))
        if qk_norm:
            q, k = nn.functional.normalize(q, dim=-1), nn.functional.normalize(k, dim=-1)
        pontos = q @ k.mT / (math.sqrt(q.size(-1)) if escala else 1)
        if mascara:
            pontos = pontos.masked_fill(~a.allowed[:T, :T], -math.inf)
        pesos = pontos.softmax(-1)
        out = a.proj((pesos @ v).transpose(1, 2).reshape(B, T, C))
        return (out, pesos) if return_weights else out
    trocar_forward(a, forward)


def eps(m, valor=1e-2):
    for modulo in m.modules():
        if hasattr(modulo, "eps"):
            modulo.eps = valor


def gancho(onde):
    def maior(modulo, entrada, saida):
        return saida * 1.1 if isinstance(saida, torch.Tensor) else (saida[0] * 1.1, *saida[1:])
    return lambda m: onde(m).register_forward_hook(maior)


def relu(m):
    m.blocks[1].feedforward.gelu = nn.ReLU()


def feedforward(m):
    """Tem as peças do capítulo, mas a conta que faz com elas é outra."""
    f = m.blocks[1].feedforward
    trocar_forward(f, lambda x: f.contract(nn.functional.silu(f.expand(x))))


def posicao_do_fim(m):
    """Posições contadas do fim da janela: com a janela cheia, as mesmas contas; com menos, outras."""
    certo = m.position_embedding.forward
    m.position_embedding.forward = lambda i: certo(i + FICHA.context_length - i.numel())


def posicao_que_nao_passa_da_nona(m):
    """Até nove tokens, as mesmas contas; com a janela cheia, outras."""
    certo = m.position_embedding.forward
    m.position_embedding.forward = lambda i: certo(i.clamp(max=8))


# variante -> (quem a estraga, a peça, e quem a recusa entre cache, caminho e página)
TODOS = ("cache", "caminho", "pagina")
VARIANTES = {
    "post-LN": (post_ln, "o bloco 1", TODOS),
    "sem residual": (sem_residual, "o bloco 2", TODOS),
    "sem escala": (lambda m: atencao(m, escala=False), "a atenção do bloco 1", ("cache", "pagina")),
    "sem máscara": (lambda m: m.blocks[0].attention.allowed.fill_(True), "a atenção do bloco 1", ("cache", "pagina")),
    "sem máscara, na conta": (lambda m: atencao(m, mascara=False), "a atenção do bloco 1", ("cache", "pagina")),
    "QK-norm": (lambda m: atencao(m, qk_norm=True), "a atenção do bloco 1", ("cache", "pagina")),
    "outro eps": (eps, "a primeira normalização do bloco 1", ("pagina",)),
    "gancho no bloco": (gancho(lambda m: m.blocks[0]), "o bloco 1", TODOS),
    "gancho na atenção": (gancho(lambda m: m.blocks[1].attention), "a atenção do bloco 2", ("cache", "pagina")),
    "gancho no modelo": (lambda m: m.register_forward_hook(lambda m, entrada, saida: (saida[0] * 2, None)), "o que vem antes dos blocos", ("cache", "caminho", "pagina")),
    "ReLU": (relu, "o feedforward do bloco 2", ("pagina",)),
    "SiLU, na conta": (feedforward, "o feedforward do bloco 2", ("caminho", "pagina")),
    "gancho no feedforward": (gancho(lambda m: m.blocks[0].feedforward), "o feedforward do bloco 1", ("caminho", "pagina")),
    "posição contada do fim": (posicao_do_fim, "o que vem antes dos blocos", ("cache", "pagina")),
    "posição que não passa da nona": (posicao_que_nao_passa_da_nona, "o que vem antes dos blocos", ("cache", "pagina")),
}
IDX = torch.tensor([[0, 3, 5]])


def recusas(modelo, tmp_path):
    """Quem recusa o modelo, e com que frase."""
    ditas = {}
    for nome, conta in {"cache": lambda: generate_cached(modelo, IDX, 5), "KVCache": lambda: KVCache(modelo)(IDX),
                        "caminho": lambda: percorrer(modelo, [0, 3, 5]), "painel": lambda: interativo.Historia(modelo, TOKENIZER).logits(),
                        "pagina": lambda: publicar(modelo, TOKENIZER, tmp_path / "p.html"),
                        "modelo guardado": lambda: pronto.guardar(modelo, TOKENIZER, tmp_path / "m.pt"),
                        "ponto": lambda: ponto.guardar(tmp_path / "p.pt", modelo, adamw(modelo, 1e-3), TOKENIZER, 1)}.items():
        try:
            conta()
        except ValueError as erro:
            ditas[nome] = str(erro)
    return ditas


@pytest.mark.parametrize("nome", VARIANTES)
def test_outra_conta_e_recusada_com_o_nome_da_peca(nome, modelo, tmp_path, capsys):
    estraga, peca, quem = VARIANTES[nome]
    estraga(modelo)
    ditas = recusas(modelo, tmp_path)
    esperadas = {"cache": {"cache", "KVCache"}, "caminho": {"caminho", "painel"}, "pagina": {"pagina", "modelo guardado", "ponto"}}
    assert set().union(*(esperadas[q] for q in quem)) <= set(ditas)
    assert any(peca in frase for frase in ditas.values()), ditas
    assert "caminho" not in quem or peca in ditas["caminho"]
    assert list(tmp_path.iterdir()) == []
    assert generate(modelo, IDX, 5).shape == (1, 8)      # o laço comum chama o modelo inteiro e serve a todos


@pytest.mark.parametrize("nome", VARIANTES)
@pytest.mark.uma_em(3)
def test_quem_nao_recusa_da_a_conta_do_modelo(nome, modelo, tmp_path, capsys):
    """O cache e o caminho podem aceitar uma peça diferente, se os números que dão são os do modelo."""
    VARIANTES[nome][0](modelo)
    if "cache" not in recusas(modelo, tmp_path):
        sorteio = [torch.Generator().manual_seed(1) for _ in range(2)]
        assert torch.equal(generate(modelo, IDX, 20, generator=sorteio[0]), generate_cached(modelo, IDX, 20, generator=sorteio[1]))
    if "caminho" not in recusas(modelo, tmp_path):
        torch.testing.assert_close(percorrer(modelo, [0, 3, 5]).logits, modelo(IDX)[0][0], atol=1e-4, rtol=1e-4)


def test_o_modelo_do_capitulo_serve_a_todos(modelo, tmp_path, capsys):
    assert recusas(modelo, tmp_path) == {} and difere_do_padrao(modelo) is None


def test_uma_classe_sua_que_faz_a_mesma_conta_serve(modelo, tmp_path, capsys):
    atencao(modelo)                                      # reescrita, e dá os mesmos números
    assert recusas(modelo, tmp_path) == {}


def test_uma_atencao_que_muda_ao_ser_vista_e_recusada(modelo):
    certo = modelo.blocks[0].attention.forward
    trocar_forward(modelo.blocks[0].attention, lambda x, return_weights=False: (2 * certo(x), certo(x, True)[1]) if return_weights else certo(x))
    with pytest.raises(ValueError, match="a atenção, ao devolver os seus pesos, faz outra conta"):
        percorrer(modelo, [0, 3, 5])


@pytest.mark.parametrize(("peca", "frase"), [
    ("feedforward", "o feedforward do bloco 2 não tem expand, gelu, contract; esperava as peças da lição 03"),
    ("attention", r"a atenção do bloco 2 não devolve os seus pesos; esperava forward\(x, return_weights=False\)")])
def test_uma_peca_de_outro_feitio_nao_se_abre(peca, frase, modelo):
    """O modelo faz a sua conta; o que falta é o que a figura mostraria."""
    outra = nn.Linear(16, 16)
    for nome in ("qkv", "proj", "n_heads", "allowed") if peca == "attention" else ():
        setattr(outra, nome, getattr(modelo.blocks[1].attention, nome))
    setattr(modelo.blocks[1], peca, outra)
    assert modelo(IDX)[0].isfinite().all()
    with pytest.raises(TypeError, match=frase):
        percorrer(modelo, [0, 3, 5])


def test_pesos_trocados_entre_duas_geracoes_sao_notados(modelo):
    cache = KVCache(modelo)
    generate(cache, IDX, 5, temperature=0)
    with torch.no_grad():
        modelo.blocks[0].attention.qkv.weight.neg_()
    assert torch.equal(generate(cache, IDX, 5, temperature=0), generate(modelo, IDX, 5, temperature=0))
    post_ln(modelo)
    with pytest.raises(ValueError, match="o bloco 1"):
        generate(cache, IDX, 5)


def test_ids_mudados_no_lugar_nao_deixam_conta_velha(modelo):
    cache, idx = KVCache(modelo), torch.tensor([[0, 3, 5, 2]])
    cache(idx[:, :3])
    idx[0, 1] = 6
    torch.testing.assert_close(cache(idx)[0], modelo(idx)[0][:, -1:], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("conta", ["cache", "caminho", "pagina", "guardar"])
@pytest.mark.parametrize("estraga", [None, post_ln])
def test_a_comparacao_nao_deixa_rastro(conta, estraga, modelo, tmp_path, capsys):
    """Nem nos modos (há uma peça congelada em avaliação), nem no sorteio, nem nos gradientes, nem nos pesos."""
    if estraga:
        estraga(modelo)
    modelo.train()
    modelo.blocks[0].eval()
    modos = [m.training for m in modelo.modules()]
    pesos, acaso = {k: v.clone() for k, v in modelo.state_dict().items()}, torch.get_rng_state()
    try:
        {"cache": lambda: generate_cached(modelo, IDX, 3, generator=torch.Generator().manual_seed(0)), "caminho": lambda: percorrer(modelo, [0, 1]),
         "pagina": lambda: publicar(modelo, TOKENIZER, tmp_path / "p.html"), "guardar": lambda: pronto.guardar(modelo, TOKENIZER, tmp_path / "m.pt")}[conta]()
    except ValueError:
        assert estraga
    assert [m.training for m in modelo.modules()] == modos and torch.equal(acaso, torch.get_rng_state())
    assert all(torch.equal(v, pesos[k]) for k, v in modelo.state_dict().items()) and all(p.grad is None for p in modelo.parameters())


def test_um_modelo_sem_as_pecas_ouve_quais_faltam():
    class Outro(nn.Module):
        def __init__(self):
            super().__init__()
            self.config, self.camada = FICHA, nn.Linear(2, 2)

    for conta in (lambda m: generate_cached(m, IDX, 2), lambda m: percorrer(m, [0])):
        with pytest.raises(TypeError, match="não tem token_embedding"):
            conta(Outro())
